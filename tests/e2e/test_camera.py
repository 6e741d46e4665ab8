"""`digitlens camera` without a window: real processes that are ended in every way."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path

import cv2
import numpy as np
import pytest

from command import Digitlens, assert_one_line_error
from digitlens.capture.test_card import CHANGE, Card
from mjpeg import NetworkCamera

NO_DISPLAY = {"DISPLAY": None, "WAYLAND_DISPLAY": None}
HEADLESS = {k: v for k, v in os.environ.items() if k not in NO_DISPLAY}


def start(*arguments: object, **options: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "digitlens", "camera", *map(str, arguments)]
    return subprocess.Popen(
        command,
        env=HEADLESS,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,  # type: ignore[call-overload]
    )


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory, digitlens: Digitlens) -> Path:
    """One second of the test card, recorded by the command itself."""
    path = tmp_path_factory.mktemp("video") / "card.mp4"
    recording = ("--no-window", "--fast", "--frames", 30, "--record", path, "--raw")
    assert digitlens("camera", "test:", *recording).status == 0
    return path


def frames_of(path: Path) -> list[np.ndarray]:
    video, frames = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG), []
    while (frame := video.read())[0]:
        frames.append(frame[1])
    return frames


def test_every_frame_is_a_line_in_the_form_of_classify(digitlens: Digitlens) -> None:
    options = ("--no-window", "--fast", "--format", "json", "--frames", 5)
    result = digitlens("camera", "--source", "test:", *options)
    assert result.status == 0
    lines = [json.loads(line) for line in result.out.splitlines()]
    fields = ["source", "frame", "time", "age_ms", "width", "height", "text", "digits"]
    assert all(list(line) == [*fields, "elapsed_ms"] for line in lines)
    assert [line["frame"] for line in lines] == [0, 1, 2, 3, 4]
    assert [line["time"] for line in lines] == pytest.approx([n / 30 for n in range(5)], abs=1e-3)
    assert lines[-1]["text"] == Card().text(4)
    assert [len(line["digits"]) for line in lines] == [0, 0, 10, 10, 10]
    assert "640×480, 30 frames/s, 10 digits" in result.err


def test_size_rate_and_number_of_digits_can_be_asked_for(digitlens: Digitlens) -> None:
    wish = ("--width", 800, "--height", 600, "--rate", 60)
    options = ("--no-window", "--fast", "--format", "json", "--frames", 4)
    result = digitlens("camera", "test:3", *wish, *options)
    last = json.loads(result.out.splitlines()[-1])
    assert (last["width"], last["height"], last["text"]) == (800, 600, Card(800, 600, 3).text(3))
    assert last["time"] == pytest.approx(3 / 60, abs=1e-3)


def test_changes_alone_are_printed_and_nothing_flickers(digitlens: Digitlens) -> None:
    options = ("--no-window", "--fast", "--format", "json", "--frames", 150, "--changes")
    result = digitlens("camera", "test:", *options)
    texts = [json.loads(line)["text"] for line in result.out.splitlines()]
    truth = list(dict.fromkeys(Card().text(number) for number in range(0, 150, CHANGE)))
    settled = [text for text in texts if text in truth]
    assert settled == truth
    fading = len(texts) - len(settled)  # unsure, missing
    assert fading <= 3 * (len(truth) - 1) + 1  # nothing is there at first


def test_a_video_is_read_to_its_end(digitlens: Digitlens, video: Path) -> None:
    options = ("--no-window", "--fast", "--format", "csv")
    result = digitlens("camera", video, *options)
    assert result.status == 0
    lines = result.out.splitlines()
    assert lines[0].startswith("source,frame,time,age_ms,width,height,text,")
    assert len(frames_of(video)) == 30
    assert result.out.count(str(video)) == 30


def test_the_overlay_is_recorded_without_a_screen(digitlens: Digitlens, tmp_path: Path) -> None:
    path = tmp_path / "seen.mp4"
    options = ("--fast", "--frames", 10, "--record", path)
    result = digitlens("camera", "test:", *options, env=NO_DISPLAY)
    assert result.status == 0
    assert "recording without one" in result.err
    frames = frames_of(path)
    assert len(frames) == 10
    height, width = frames[0].shape[:2]
    assert width > height * 4 / 3  # the panel stands beside the frame


def test_images_of_a_folder_are_frames_and_a_broken_one_is_an_error(
    digitlens: Digitlens, photo: Path
) -> None:
    for name in ("10.png", "1.png"):
        (photo.parent / name).write_bytes(photo.read_bytes())
    (photo.parent / "2.png").write_bytes(b"no image")
    options = ("--no-window", "--fast", "--format", "json")
    result = digitlens("camera", photo.parent / "[0-9]*.png", *options)
    assert result.status == 1
    first, broken, last = (json.loads(line) for line in result.out.splitlines())
    assert first["text"] == last["text"] == "12345\n67890"
    assert broken["source"].endswith("2.png")
    assert broken["error"].startswith("not an image")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_quietly_with_the_recording_intact(
    number: signal.Signals, tmp_path: Path
) -> None:
    path = tmp_path / "live.mp4"
    process = start("test:", "--no-window", "--format", "json", "--record", path)
    assert process.stdout is not None
    for _ in range(20):
        assert json.loads(process.stdout.readline())["width"] == 640
    process.send_signal(number)
    process.send_signal(signal.SIGINT)  # once more, while it ends
    _, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert err == "test: gives 640×480, 30 frames/s, 10 digits\n"
    assert len(frames_of(path)) >= 20
    assert list(tmp_path.iterdir()) == [path]


def test_it_outlives_its_terminal_where_it_was_told_to() -> None:
    name = signal.SIGHUP
    before = signal.signal(name, signal.SIG_IGN)  # as nohup does
    try:
        process = start("test:", "--no-window", "--format", "json")
    finally:
        signal.signal(name, before)
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(name)
    for _ in range(60):
        assert json.loads(process.stdout.readline())["width"] == 640
    process.terminate()
    process.communicate(timeout=30)
    assert process.returncode == 0


def test_a_closed_pipe_ends_it_quietly_with_the_recording_intact(tmp_path: Path) -> None:
    path = tmp_path / "live.mp4"
    process = start("test:", "--no-window", "--fast", "--format", "json", "--record", path)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == "test: gives 640×480, 30 frames/s, 10 digits\n"
    process.stderr.close()
    assert process.wait(timeout=30) == 0
    assert frames_of(path)


def test_a_killed_recording_leaves_the_old_one(tmp_path: Path, video: Path) -> None:
    path = tmp_path / "old.mp4"
    path.write_bytes(video.read_bytes())
    process = start("test:", "--no-window", "--fast", "--record", path)
    assert process.stdout is not None
    for _ in range(40):
        process.stdout.readline()
    process.kill()
    process.communicate(timeout=30)
    assert path.read_bytes() == video.read_bytes()


@pytest.fixture
def network_camera() -> Iterator[NetworkCamera]:
    camera = NetworkCamera(Card(320, 240).frame)
    yield camera
    camera.close()


def test_a_camera_that_falls_silent_and_vanishes_is_opened_again(
    network_camera: NetworkCamera,
) -> None:
    process = start(network_camera.address, "--no-window", "--format", "json")
    assert process.stdout is not None
    assert process.stderr is not None
    assert json.loads(process.stdout.readline())["width"] == 320
    assert "gives 320×240" in process.stderr.readline()
    network_camera.is_silent.set()
    assert "gives no picture" in process.stderr.readline()
    network_camera.is_silent.clear()
    while "is back" not in process.stderr.readline():
        assert process.poll() is None
    network_camera.close()
    assert "trying again" in process.stderr.readline()
    again = NetworkCamera(Card(480, 360).frame, network_camera.port)
    while json.loads(process.stdout.readline())["width"] != 480:
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 0
    again.close()


def test_a_password_in_an_address_is_not_shown(network_camera: NetworkCamera) -> None:
    address = network_camera.address.replace("//", "//somebody:secret@")
    process = start(address, "--no-window", "--frames", 3)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert network_camera.address in out
    assert "secret" not in out + err


def test_stats_are_said_on_request(digitlens: Digitlens) -> None:
    options = ("--no-window", "--frames", 20, "--stats")
    result = digitlens("camera", "test:", *options)
    (line,) = [line for line in result.err.splitlines() if line.startswith("in all:")]
    for word in ("provider cpu", "captured", "read", "dropped 0", "age", "CPU"):
        assert word in line
    assert line not in result.out


def test_a_camera_that_is_not_there_is_one_line(digitlens: Digitlens) -> None:
    result = digitlens("camera", "--source", "9", "--no-window")
    assert_one_line_error(result, 1, "camera 9", "--list-cameras")
    result = digitlens("camera", "99999999999999999999", "--no-window")
    assert_one_line_error(result, 1, "camera 99999999999999999999")
    result = digitlens("camera", "http://127.0.0.1:9/x", "--no-window")
    assert_one_line_error(result, 1, "http://127.0.0.1:9/x")


def test_without_a_screen_nothing_aborts(digitlens: Digitlens) -> None:
    result = digitlens("camera", "test:", env=NO_DISPLAY)
    assert_one_line_error(result, 1, "--no-window", "--record")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nothing.mp4"], ["nothing.mp4"]),
        ([""], ["an empty name"]),
        (["test:", "--source", "0"], ["test:", "0"]),
        (["test:x"], ["test:x"]),
        (["test:", "--tap", "conv9"], ["conv9", "conv1"]),
        (["test:", "--record", "out.gif"], ["out.gif", ".mp4"]),
        (["test:", "--record", "/dev/null/out.mp4"], ["/dev/null/out.mp4"]),
        (["test:", "--pixel-format", "YUYV"], ["YUYV"]),
        (["test:", "--width", "20"], ["20"]),
        (["test:", "--frames", "0"], ["0"]),
        (["test:", "--provider", "gpu"], ["gpu"]),
        (["0", "--pixel-format", "MJPEG"], ["MJPEG"]),
    ],
)
def test_what_cannot_be_done_is_one_line(
    digitlens: Digitlens, arguments: list[str], words: list[str]
) -> None:
    assert_one_line_error(digitlens("camera", *arguments, "--no-window"), 2, *words)


def test_a_recording_never_replaces_its_source(digitlens: Digitlens, video: Path) -> None:
    before = video.read_bytes()
    result = digitlens("camera", video, "--no-window", "--record", video)
    assert_one_line_error(result, 2, video)
    assert video.read_bytes() == before


def test_a_text_that_is_no_video_is_one_line(digitlens: Digitlens, tmp_path: Path) -> None:
    path = tmp_path / "notes.mp4"
    path.write_text("no video")
    assert_one_line_error(digitlens("camera", path, "--no-window"), 1, path, "not a video")


def test_names_of_any_kind_are_read_or_refused(
    digitlens: Digitlens, video: Path, tmp_path: Path
) -> None:
    (tmp_path / "12:30.mp4").write_bytes(video.read_bytes())
    options = ("--no-window", "--fast", "--frames", 3)
    assert digitlens("camera", "12:30.mp4", *options, cwd=tmp_path).status == 0
    odd = os.fsdecode(b"nu\xff.mp4")
    (tmp_path / odd).write_bytes(video.read_bytes())
    result = digitlens("camera", odd, *options, cwd=tmp_path)
    assert_one_line_error(result, 1, "nu\\udcff.mp4", "rename")
    result = digitlens("camera", "test:", *options, "--record", odd, cwd=tmp_path)
    assert_one_line_error(result, 2, "UTF-8")


def test_a_picture_as_narrow_as_a_pixel_is_shown(digitlens: Digitlens, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "tall.png"), np.full((10_000, 1, 3), 200, np.uint8))
    options = ("--no-window", "--fast", "--record", tmp_path / "tall.mp4")
    assert digitlens("camera", tmp_path / "tall.png", *options).status == 0
    assert len(frames_of(tmp_path / "tall.mp4")) == 1


def test_images_that_are_all_broken_are_not_read_for_ever(
    digitlens: Digitlens, tmp_path: Path
) -> None:
    (tmp_path / "bad.png").write_bytes(b"no image")
    result = digitlens("camera", tmp_path, "--no-window", "--fast", "--loop")
    assert_one_line_error(result, 1, "bad.png")


def test_the_list_of_cameras_is_no_error_where_there_is_none(digitlens: Digitlens) -> None:
    result = digitlens("camera", "--list-cameras")
    assert result.status == 0
    assert result.out or "no camera answers" in result.err


def test_jpegs_one_after_the_other_over_tcp(digitlens: Digitlens) -> None:
    """As rpicam-vid sends them, which ends when its viewer leaves."""
    card = Card()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def send() -> None:
            viewer, _ = listener.accept()
            with viewer, suppress(OSError):
                for number in count():
                    viewer.sendall(cv2.imencode(".jpg", card.frame(number))[1].tobytes())
                    time.sleep(1 / 30)

        threading.Thread(target=send, daemon=True).start()
        address = f"tcp://127.0.0.1:{listener.getsockname()[1]}"
        result = digitlens("camera", address, "--no-window", "--frames", 30, "--format", "json")
    assert result.status == 0, result.err
    texts = [json.loads(line)["text"] for line in result.out.splitlines()]
    assert texts[-1] in {card.text(number) for number in range(400)}
