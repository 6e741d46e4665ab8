"""The live picture of `digitlens serve`, as those get it who watch."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from websockets.sync.client import connect

from digitlens import Reader
from digitlens.capture.test_card import Card
from mjpeg import NetworkCamera
from server import Server, next_picture, next_status, serving, unpack
from waiting import until


def test_a_viewer_gets_pictures_digits_and_maps(server: Server) -> None:
    with server.watch(origin=f"http://127.0.0.1:{server.port}") as viewer:
        while (header := next_picture(viewer)[0])["chosen"] is None:
            pass
        viewer.send(json.dumps({"tap": "fc1", "track": header["tracks"][2]}))
        while (found := next_picture(viewer))[0]["tap"] != "fc1":
            pass
    header, arrays = found
    assert header["chosen"] == 2
    digits = header["reading"]["digits"]
    frame = cv2.imdecode(arrays["jpeg"], cv2.IMREAD_COLOR)
    assert frame.shape == (480, 640, 3)
    assert arrays["probabilities"].argmax() == digits[2]["label"]
    glyph = arrays["glyph"].astype(np.float32) / np.float32(255)
    expected = Reader().session.run(glyph[np.newaxis])
    levels = np.round(np.clip((expected["fc1"][0] + 1) / 2, 0, 1) * 255)
    assert np.array_equal(arrays["maps"].ravel(), levels)


def test_a_paused_viewer_still_chooses(server: Server) -> None:
    with server.watch() as viewer:
        number = next_picture(viewer)[0]["number"]
        viewer.send(json.dumps({"paused": True}))
        viewer.send(json.dumps({"clock": 12.5}))
        while isinstance(message := viewer.recv(5), bytes) or "clock" not in message:
            if isinstance(message, bytes):
                number = unpack(message)[0]["number"]
        assert json.loads(message)["clock"] == 12.5
        assert abs(json.loads(message)["time"] - time.time()) < 5
        with pytest.raises(TimeoutError):
            viewer.recv(0.3)
        viewer.send(json.dumps({"tap": "conv3"}))
        header, arrays = unpack(viewer.recv(5))
        assert header["number"] >= number
        assert len(arrays["jpeg"]) == 0


def test_frames_are_encoded_once_and_a_slow_viewer_skips(tmp_path: Path) -> None:
    log = tmp_path / "encoded"
    patch = (
        "import digitlens.serve.packet as p\n"
        "def jpeg(image, encode=p.jpeg):\n"
        f"    print(file=open({str(log)!r}, 'a'))\n"
        "    return encode(image)\n"
        "p.jpeg = jpeg"
    )
    with serving("test:", patch=patch) as server, server.watch() as slow, server.watch() as one:
        with server.watch() as two, ThreadPoolExecutor() as pool:

            def numbers(viewer, seconds: float) -> list[int]:
                found, until = [], time.monotonic() + seconds
                while time.monotonic() < until:
                    found.append(next_picture(viewer)[0]["number"])
                return found

            def slow_numbers() -> list[int]:
                found = []
                for _ in range(4):
                    header, _ = next_picture(slow, says_seen=False)
                    found.append(header["number"])
                    time.sleep(0.8)
                    slow.send(json.dumps({"seen": header["number"]}))
                return found

            fast = [pool.submit(numbers, viewer, 3) for viewer in (one, two)]
            skipped = pool.submit(slow_numbers).result()
            seen = [each.result() for each in fast]
        frames = server.metric("digitlens_frames_total")
        sent = server.metric("digitlens_frames_sent_total")
    assert 0 <= len(log.read_text()) - frames < 60  # those that came after the question
    assert max(skipped) - min(skipped) > 30
    for found in seen:
        steps = np.diff(found)
        assert (steps > 0).all()
        assert np.median(steps) == 1
    assert frames < sent
    assert len(seen[0]) + len(seen[1]) + len(skipped) <= sent + 6


def test_the_source_is_read_while_somebody_watches_alone() -> None:
    patch = "import digitlens.serve.broadcast as b; b.LINGER = 0.3"
    with serving("test:", patch=patch) as server:
        time.sleep(0.5)
        assert server.metric("digitlens_frames_total") == 0
        with server.watch() as viewer:
            next_picture(viewer)
        until(lambda: server.ask("/api/health").json["source"]["state"] == "asleep", "asleep")
        before = server.metric("digitlens_frames_total")
        time.sleep(0.5)
        assert server.metric("digitlens_frames_total") == before > 0
        with server.watch() as viewer:
            assert next_picture(viewer)[0]["number"] <= before + 1 + 30


def test_always_reads_without_anybody() -> None:
    with serving("test:", "--always") as server:
        until(lambda: server.metric("digitlens_frames_total") > 5, "frames are read")


def test_what_is_wrong_with_the_source_is_said_and_it_is_tried_again() -> None:
    camera = NetworkCamera(Card(320, 240).frame)
    with serving(camera.address) as server, server.watch() as viewer:
        next_picture(viewer)
        camera.close()
        assert "trying again" in next_status(viewer, "lost")["message"]
        again = NetworkCamera(Card(320, 240).frame, camera.port)
        next_status(viewer, "running")
        again.close()
    with serving("/dev/video77") as server, server.watch() as viewer:
        assert "camera /dev/video77" in next_status(viewer, "failed")["message"]
        next_status(viewer, "opening")


def test_a_source_that_ends_begins_again_on_request(photo: Path) -> None:
    with serving(photo, "--rate", 20) as server, server.watch() as viewer:
        assert next_picture(viewer)[0]["reading"]["text"] == "12345\n67890"
        assert "has ended" in next_status(viewer, "ended")["message"]
        with server.watch() as late:
            assert "has ended" in next_status(late, "ended")["message"]
        viewer.send(json.dumps({"again": True}))
        next_status(viewer, "running")


def test_a_source_that_breaks_is_said_and_tried_again() -> None:
    patch = (
        "import digitlens.serve.broadcast as b, digitlens.serve.packet as p; b.RETRY = 0.1\n"
        "def broken(*a): raise RuntimeError('no such luck')\n"
        "p.jpeg, good = broken, p.jpeg\n"
        "import threading; threading.Timer(1.5, lambda: setattr(p, 'jpeg', good)).start()"
    )
    with serving("test:", patch=patch) as server, server.watch() as viewer:
        assert next_status(viewer, "failed")["message"] == "no such luck"
        next_picture(viewer)


def test_why_an_image_was_no_picture_is_said_at_its_end(tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"no image")
    with serving(tmp_path / "bad.png") as server, server.watch() as viewer:
        assert "bad.png: not an image" in next_status(viewer, "ended")["message"]


def test_no_old_picture_is_shown_to_who_comes_later() -> None:
    patch = "import digitlens.serve.broadcast as b; b.LINGER = 0.1"
    with serving("test:", patch=patch) as server:
        with server.watch() as viewer:
            next_picture(viewer)
        until(lambda: server.ask("/api/health").json["source"]["state"] == "asleep", "asleep")
        time.sleep(1)
        with server.watch() as viewer:
            assert time.time() - next_picture(viewer)[0]["captured"] < 1


def test_who_comes_back_paused_gets_no_picture(server: Server) -> None:
    address = f"ws://127.0.0.1:{server.port}/page/live?paused=1"
    with connect(address, proxy=None) as viewer:
        next_status(viewer, "running")
        viewer.send(json.dumps({"clock": 1}))
        while "clock" not in (message := viewer.recv(5)):
            assert isinstance(message, str)
        time.sleep(0.3)
        viewer.send(json.dumps({"clock": 2}))
        assert "clock" in viewer.recv(5)
        viewer.send(json.dumps({"paused": False}))
        next_picture(viewer)
