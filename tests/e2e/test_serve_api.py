"""What programs ask `digitlens serve` for, and what they are told where it cannot be done."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from command import Digitlens
from digitlens import Reader
from server import Server, next_picture, serving, unpack


def test_reading_gives_what_classify_prints(
    server: Server, digitlens: Digitlens, photo: Path, image: bytes
) -> None:
    printed = json.loads(digitlens("classify", photo, "--format", "json").out)
    answer = server.ask("/api/read", image)
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    for fields in (printed, answer.json):
        del fields["elapsed_ms"], fields["source"]
    assert (read := answer.json)["source"] == "-"
    assert {name: read[name] for name in printed} == printed
    assert list(read) == ["source", "width", "height", "text", "digits", "elapsed_ms"]


def test_taps_come_with_the_reading(server: Server, photo: Path, image: bytes) -> None:
    taps = Reader().read(photo, taps=True).taps
    found = server.ask("/api/read?taps=conv1,fc1&taps=conv3", image).json["taps"]
    assert list(found) == ["conv1", "fc1", "conv3"]
    for name, values in found.items():
        assert np.array_equal(np.array(values, np.float32), taps[name])


def test_a_parameter_that_is_none_is_refused(server: Server, image: bytes) -> None:
    answer = server.ask("/api/read?tap=conv1", image)
    assert (answer.status, answer.json["error"]) == (
        400,
        "no parameter 'tap': taps=NAME,NAME is one",
    )


def test_a_tap_that_is_asked_for_again_comes_once(server: Server, image: bytes) -> None:
    path = "/api/read?taps=" + ",".join(["fc1"] * 500) + "&taps=fc1"
    assert server.ask(path, image).text.count('"fc1"') == 1


def test_the_contract_is_given(server: Server) -> None:
    assert server.ask("/api/model").text == Reader().contract.to_json()


def test_health_says_what_the_source_does(server: Server) -> None:
    answer = server.ask("/api/health").json
    assert answer["status"] == "ok"
    assert answer["source"]["state"] in ("asleep", "running", "opening")


def test_metrics_are_what_prometheus_reads(server: Server, image: bytes) -> None:
    before = server.metric("digitlens_readings_total")
    server.ask("/api/read", image)
    answer = server.ask("/api/metrics")
    families = {each.name: each for each in text_string_to_metric_families(answer.text)}
    kinds = {name: family.type for name, family in families.items()}
    assert kinds == {
        "digitlens_frames": "counter",
        "digitlens_frames_sent": "counter",
        "digitlens_readings": "counter",
        "digitlens_errors": "counter",
        "digitlens_frame_age_seconds": "histogram",
        "digitlens_read_seconds": "histogram",
        "digitlens_viewers": "gauge",
    }
    assert server.metric("digitlens_readings_total") == before + 1
    buckets = [s.value for s in families["digitlens_read_seconds"].samples if "bucket" in s.name]
    assert buckets == sorted(buckets)
    assert buckets[-1] == server.metric("digitlens_read_seconds_count") > 0


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("/api/read", b"no image", 422, "not an image"),
        ("/api/read", b"", 422, "empty"),
        ("/api/read", b"\x89PNG\r\n\x1a\n" + bytes(50), 422, "damaged"),
        ("/api/read?taps=conv9", b"", 400, "conv9"),
        ("/page/activations", b"short", 422, "1024"),
        ("/api/nothing", None, 404, "Not Found"),
        ("/api/read", None, 405, "Method Not Allowed"),
        ("/../../../etc/passwd", None, 404, "Not Found"),
        ("/%2e%2e/%2e%2e/app.py", None, 404, "Not Found"),
        ("/..%2fapp.py", None, 404, "Not Found"),
        ("//etc/passwd", None, 404, "Not Found"),
    ],
)
def test_what_cannot_be_done_is_said(
    server: Server, path: str, body: bytes | None, status: int, words: str
) -> None:
    answer = server.ask(path, body)
    assert answer.status == status
    assert answer.json["source"] == "-"
    assert words in answer.json["error"]


def test_a_form_is_refused_with_the_way_out(server: Server, image: bytes) -> None:
    answer = server.ask("/api/read", image, Content_Type="multipart/form-data; boundary=x")
    assert answer.status == 415
    assert "--data-binary" in answer.json["error"]


def test_long_bodies_are_refused_by_their_length_and_by_their_bytes(server: Server) -> None:
    parts = [bytes(1 << 20)] * 17
    assert server.ask("/api/read", b"".join(parts)).status == 413
    answer = server.ask("/api/read", iter(parts))  # sent in chunks
    assert answer.status == 413
    assert "16,777,216" in answer.json["error"]


def test_images_of_too_many_pixels_are_refused_by_their_header(server: Server) -> None:
    png = bytearray(cv2.imencode(".png", np.zeros((4, 4), np.uint8))[1].tobytes())
    png[16:24] = (60_000).to_bytes(4, "big") * 2
    answer = server.ask("/api/read", bytes(png))
    assert answer.status == 413
    assert "60000×60000" in answer.json["error"]


def test_tall_pictures_are_shown(server: Server, tmp_path: Path) -> None:
    tall = np.full((70_000, 30, 3), 200, np.uint8)
    image = cv2.imencode(".png", tall)[1].tobytes()
    header, arrays = unpack(server.ask("/page/read?steps=1", image).body)
    assert header["reading"]["height"] == 70_000
    assert cv2.imdecode(arrays["frame"], cv2.IMREAD_COLOR).shape[0] == 1280
    cv2.imwrite(str(tmp_path / "tall.png"), tall)
    with serving(tmp_path / "tall.png") as shown, shown.watch() as viewer:
        assert next_picture(viewer)[0]["reading"]["height"] == 70_000
