from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from digitlens.capture import Source, Wish, resolve
from digitlens.capture.images import Images
from digitlens.capture.stream import Address, Camera, Video
from digitlens.capture.test_card import CardSource
from digitlens.errors import DigitlensError, ImageError, NotFoundError, SourceError, UsageError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three images whose names sort otherwise as text, the working folder of the test."""
    for number in (10, 9, 1):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.full((20, 30, 3), number, np.uint8))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_video(path: Path, frames: int, rate: float) -> None:
    fourcc = cv2.VideoWriter.fourcc(*"mp4v")
    video = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, fourcc, rate, (64, 48))
    for number in range(frames):
        video.write(np.full((48, 64, 3), 40 * number, np.uint8))
    video.release()


def paths_of(source: Source) -> list[str]:
    assert isinstance(source, Images)
    return [path.name for path in source.paths]


def assert_one_line(error: DigitlensError, value: str) -> None:
    assert value in str(error)
    assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("0", Camera),
        ("12", Camera),
        ("/dev/video7", Camera),
        ("test:", CardSource),
        ("test:40", CardSource),
        ("http://127.0.0.1:9/stream.mjpg", Address),
        ("rtsp://camera.local/1", Address),
    ],
)
def test_a_name_stands_for_a_camera_a_card_or_an_address(name: str, kind: type) -> None:
    source = resolve(name)
    assert type(source) is kind
    assert source.name == name


def test_a_file_is_an_image_by_its_suffix_and_else_a_video(folder: Path) -> None:
    for name in ("film.mp4", "film", "text.txt"):
        (folder / name).write_text("anything")
        assert resolve(name) == Video(name)
    (folder / "9.png").rename(folder / "photo.PNG")
    assert paths_of(resolve("photo.PNG")) == ["photo.PNG"]
    assert paths_of(resolve(str(folder / "10.png"))) == ["10.png"]


@pytest.mark.parametrize("name", [".", "*.png", "**/*.png", "[19]*.png"])
def test_folders_and_patterns_are_images_in_natural_order(folder: Path, name: str) -> None:
    assert paths_of(resolve(name)) == ["1.png", "9.png", "10.png"]
    assert paths_of(resolve(str(folder / name))) == ["1.png", "9.png", "10.png"]


def test_a_name_with_brackets_that_is_there_is_no_pattern(folder: Path) -> None:
    (folder / "1.png").rename(folder / "page[9].png")
    assert paths_of(resolve("page[9].png")) == ["page[9].png"]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("name", ["missing.mp4", "missing/", "*.tiff", "-1", "video0", "tests:"])
def test_what_is_not_there_is_not_found(name: str) -> None:
    with pytest.raises(NotFoundError, match="no such file") as error:
        resolve(name)
    assert_one_line(error.value, name)


def test_an_empty_name_is_not_found_and_not_this_folder(folder: Path) -> None:
    assert list(folder.iterdir())
    with pytest.raises(NotFoundError, match="an empty name: no such file"):
        resolve("")


def test_a_name_that_no_system_takes_is_refused() -> None:
    with pytest.raises(DigitlensError) as error:
        resolve("x" * 5000)
    assert_one_line(error.value, "x" * 5000)


def test_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no image")
    with pytest.raises(ImageError, match="no images in this folder") as error:
        resolve(str(tmp_path))
    assert_one_line(error.value, str(tmp_path))


def test_a_pattern_that_matches_folders_alone_is_no_video(folder: Path) -> None:
    (folder / "scans1").mkdir()
    with pytest.raises((NotFoundError, ImageError), match=r"scans\*"):
        resolve("scans*")


@pytest.mark.parametrize(
    ("name", "wish", "words"),
    [
        ("film.mp4", Wish(width=640), "film.mp4 has its own width: 640"),
        ("film.mp4", Wish(height=480), "film.mp4 has its own height: 480"),
        ("film.mp4", Wish(rate=5), "film.mp4 has its own rate: 5"),
        ("film.mp4", Wish(pixel_format="MJPG"), "film.mp4 has its own pixel format: MJPG"),
        ("http://a/b", Wish(width=640), "http://a/b has its own width: 640"),
        ("http://a/b", Wish(rate=5), "http://a/b has its own rate: 5"),
        (".", Wish(width=640), "has its own width: 640"),
        ("1.png", Wish(height=480), "1.png has its own height: 480"),
        ("*.png", Wish(pixel_format="YUYV"), "has its own pixel format: YUYV"),
        ("test:", Wish(pixel_format="YUYV"), "test: has its own pixel format: YUYV"),
    ],
)
def test_a_wish_that_a_source_cannot_take_is_refused(
    folder: Path, name: str, wish: Wish, words: str
) -> None:
    (folder / "film.mp4").touch()
    with pytest.raises(UsageError) as error:
        resolve(name, wish)
    assert_one_line(error.value, words)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"pixel_format": "MJPEG"}, "no pixel format 'MJPEG'"),
        ({"pixel_format": ""}, "no pixel format ''"),
        ({"width": 0}, "width asked for is 0"),
        ({"height": -1}, "height asked for is -1"),
        ({"rate": float("nan")}, "rate asked for is nan"),
        ({"rate": 0}, "rate asked for is 0"),
    ],
)
def test_a_wish_that_nothing_can_grant_is_refused(asked: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Wish(**asked)


def test_cameras_and_cards_take_wishes_and_images_the_rate() -> None:
    wish = Wish(320, 240, 10, "YUYV")
    assert resolve("3", wish) == Camera("3", wish)
    card = resolve("test:", Wish(320, 240, 10)).open()
    assert card.description == "320×240, 10 frames/s, 10 digits"
    assert resolve(".").open().rate == 1
    assert resolve(".", Wish(rate=4)).open().rate == 4


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("rate", [0, -1, float("nan")])
def test_images_refuse_a_rate_that_is_none(rate: float) -> None:
    with pytest.raises(UsageError, match=f"{rate:g}"):
        resolve(".", Wish(rate=rate)).open()


@pytest.mark.parametrize("name", ["987", "/dev/video987", "http://127.0.0.1:9/"])
def test_a_camera_or_an_address_that_does_not_answer_says_so(name: str) -> None:
    with pytest.raises(SourceError) as error:
        resolve(name).open()
    assert_one_line(error.value, name)


def test_an_address_is_named_without_its_password() -> None:
    source = resolve("http://user:sec/ret@127.0.0.1:9/stream?mail=a@b&password=secret")
    assert source.name == "http://127.0.0.1:9/stream"
    with pytest.raises(SourceError) as error:
        source.open()
    assert "sec" not in str(error.value)


@pytest.mark.parametrize("content", [b"no video at all\n" * 100, b""])
def test_a_file_that_is_no_video_says_so(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.mp4"
    path.write_bytes(content)
    with pytest.raises(SourceError, match="not a video") as error:
        resolve(str(path)).open()
    assert_one_line(error.value, str(path))


def test_a_video_gives_its_frames_in_their_places_and_then_none(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    write_video(path, frames=6, rate=25)
    capture = resolve(str(path)).open()
    assert not capture.is_live
    assert capture.rate == 25
    assert capture.description.startswith("64×48, 25 frames/s")
    for number in range(6):
        shot = capture.read()
        assert shot is not None
        assert shot.place == pytest.approx(number / 25, abs=0.002)
        assert shot.image.shape == (48, 64, 3)
        assert shot.image.mean() == pytest.approx(40 * number, abs=6)
    assert capture.read() is None
    assert capture.read() is None
    capture.close()


def test_images_give_one_file_after_the_other_and_name_the_damaged(folder: Path) -> None:
    (folder / "9.png").write_bytes(b"no image")
    source = resolve(".")
    (folder / "10.png").unlink()
    capture = source.open()
    assert capture.description == "images: 3, 1 frames/s"
    first = capture.read()
    assert first is not None
    assert (first.place, first.name, first.image.max()) == (0, "1.png", 1)
    for name in ("9.png", "10.png"):
        with pytest.raises(ImageError, match=name) as error:
            capture.read()
        assert error.value.source == name
    assert capture.read() is None
    capture.close()
    again = source.open().read()
    assert again is not None
    assert again.name == "1.png"
