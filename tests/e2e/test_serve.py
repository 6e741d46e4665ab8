"""`digitlens serve` as programs see it, and as those see it who should not."""

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.sync.client import connect

from command import Digitlens, assert_one_line_error
from digitlens import Reader
from digitlens.capture.test_card import Card
from digitlens.serve.guard import HEADERS
from mjpeg import NetworkCamera
from screen import until
from server import Server, certificate, close_code, next_picture, next_status, serving, unpack

HALF = b"POST /api/read HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\nhalf"


@pytest.fixture(scope="module")
def server():
    with serving("test:") as server:
        yield server


@pytest.fixture
def image(photo: Path) -> bytes:
    return photo.read_bytes()


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
        ("/api/read", b"\x89PNG\r\n\x1a\n" + bytes(50), 422, "truncated"),
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


@pytest.mark.parametrize(
    "path", ["/", "/style.css", "/api/health", "/api/nothing", "/page/samples"]
)
def test_every_answer_has_the_headers_that_keep_others_out(server: Server, path: str) -> None:
    for headers in ({}, {"Host": "evil.example"}):
        answer = server.ask(path, **headers)
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    policy = HEADERS["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "127.0.0.1:{port}"}, 200),
        ({"Host": "localhost:{port}"}, 200),
        ({"Host": "LOCALHOST:9000"}, 200),
        ({"Host": "evil.example"}, 421),
        ({"Host": "evil.example:{port}"}, 421),
        ({"Host": "127.0.0.1.evil.example"}, 421),
        ({"Host": "127.0.0.2:{port}"}, 421),
        ({"Host": "evil@127.0.0.1"}, 421),
        ({"Host": "[::1"}, 421),
        ({"Host": ""}, 421),
        ({"Origin": "http://127.0.0.1:{port}"}, 200),
        ({"Origin": "http://127.0.0.1:9"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://[evil"}, 403),
        ({"Origin": "file://127.0.0.1:{port}"}, 403),
        ({"Sec_Fetch_Site": "same-origin", "Sec_Fetch_Mode": "cors"}, 200),
        ({"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "no-cors"}, 403),
        ({"Sec_Fetch_Site": "same-site", "Sec_Fetch_Mode": "cors"}, 403),
        ({"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate"}, 200),
    ],
)
def test_host_and_origin_are_looked_at(
    server: Server, headers: dict[str, str], status: int
) -> None:
    filled = {name: value.format(port=server.port) for name, value in headers.items()}
    assert server.ask("/api/health", **filled).status == status


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"additional_headers": {"Sec-Fetch-Site": "cross-site"}}, 403),
    ],
)
def test_sockets_from_elsewhere_are_refused(server: Server, options: dict, status: int) -> None:
    with pytest.raises(InvalidStatus) as refused, server.watch(**options):
        pass
    assert refused.value.response.status_code == status


def test_sockets_by_another_name_are_refused(server: Server) -> None:
    key = {"Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec_WebSocket_Version": "13"}
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", **key}
    assert server.ask("/page/live", Host="evil.example", **upgrade).status == 421


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


@pytest.mark.parametrize(
    "message",
    ["no JSON", "[]", '"text"', '{"tap": 3}', '{"tap": "conv9"}', '{"seen": "x"}', b"bytes",
     '{"clock": []}', '{"track": {}}', "[" * 4000],
)  # fmt: skip
def test_messages_that_are_none_end_their_own_socket_alone(
    server: Server, message: str | bytes
) -> None:
    with server.watch() as other:
        with server.watch() as viewer:
            viewer.send(message)
            assert close_code(viewer) == 1008
        next_picture(other)
        next_picture(other)


def test_a_message_that_is_too_long_ends_its_socket(server: Server) -> None:
    with server.watch() as viewer:
        viewer.send("x" * 5000)
        assert close_code(viewer) == 1009
    assert server.ask("/api/health").status == 200


def test_of_too_many_viewers_the_last_is_refused_by_a_status() -> None:
    patch = "import digitlens.serve.page as p; p.MAX_VIEWERS = 2"
    with serving("test:", patch=patch) as server, server.watch() as one, server.watch():
        with pytest.raises(InvalidStatus) as refused, server.watch():
            pass
        assert refused.value.response.status_code == 503
        next_picture(one)


def test_frames_are_encoded_once_and_a_slow_viewer_skips() -> None:
    with serving("test:") as server, server.watch() as slow, server.watch() as one:
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
        viewer.send(json.dumps({"again": True}))
        next_status(viewer, "running")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_within_two_seconds_and_closes_sockets(how: int) -> None:
    with serving("test:") as server, server.watch() as viewer, socket.socket() as half:
        half.connect(("127.0.0.1", server.port))
        half.sendall(HALF)
        next_picture(viewer)
        with server.watch() as silent:
            time.sleep(0.5)  # it reads nothing, so that its buffers fill
            status, took, err = server.end(how)
            assert status == 0
            assert took < 2
            assert err.count("\n") == 1, err
            assert close_code(viewer) == 1012
            assert close_code(silent) in (1012, 1006)


def test_a_signal_ends_it_while_a_hard_image_is_read() -> None:
    board = np.kron(np.indices((640, 640)).sum(0) % 2, np.ones((2, 2))).astype(np.uint8) * 255
    hard = cv2.imencode(".png", board)[1].tobytes()
    with serving("test:") as server, ThreadPoolExecutor() as pool:
        asked = [pool.submit(server.ask, "/api/read", hard) for _ in range(3)]
        time.sleep(0.7)
        status, took, _ = server.end()
        assert (status, took < 2) == (0, True)
        for each in asked:
            assert each.exception() is not None or each.result().status in (200, 500)


def test_half_open_connections_harm_nobody_and_are_closed(image: bytes) -> None:
    patch = "import digitlens.serve.connection as s; s.HEADER_SECONDS = 2.0"
    with serving("test:", patch=patch) as server, server.watch() as viewer:
        parts = (b"", b"GET / HT", b"GET /api/health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
        sockets = []
        for number in range(201):
            half = socket.create_connection(("127.0.0.1", server.port))
            half.sendall(parts[number % 3])
            sockets.append(half)
        for _ in range(10):
            assert server.ask("/api/read", image).status == 200
            next_picture(viewer)
        for half in sockets:
            half.settimeout(10)
            assert half.recv(1000).startswith(b"HTTP/1.1 408")
            half.close()
        next_picture(viewer)


def test_slow_bodies_are_refused(image: bytes) -> None:
    patch = "import digitlens.serve.inbox as i; i.MAX_SECONDS = 1.0"
    with serving("test:", patch=patch) as server, socket.socket() as slow:
        slow.connect(("127.0.0.1", server.port))
        slow.sendall(HALF)
        slow.settimeout(10)
        assert b" 408 " in slow.recv(1000)
        assert server.ask("/api/read", image).status == 200


def test_more_connections_than_it_has_room_for_are_told_so() -> None:
    patch = "import digitlens.serve.connection as s; s.MAX_CONNECTIONS = 5"
    with serving("test:", patch=patch) as server:
        held = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(5)]
        assert server.ask("/api/health").status == 503
        for each in held:
            each.close()
        until(lambda: server.ask("/api/health").status == 200, "there is room again")


def test_many_large_bodies_at_once_are_bounded_in_memory(image: bytes) -> None:
    def memory() -> float:
        status = Path(f"/proc/{server.process.pid}/status").read_text()
        return float(status.partition("VmHWM:")[2].split()[0]) / 1024

    with serving("test:") as server, ThreadPoolExecutor(24) as pool:
        before = memory()
        bodies = [pool.submit(server.ask, "/api/read", bytes(15 << 20)) for _ in range(24)]
        statuses = {each.result().status for each in bodies}
        assert statuses <= {422, 503}
        assert memory() - before < 250
        assert server.ask("/api/read", image).status == 200


def test_another_host_needs_a_token(image: bytes) -> None:
    with serving("test:", "--host", "0.0.0.0") as server:
        token = server.address.partition("?token=")[2]
        assert len(token) >= 20
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {token}"}):
            answer = server.ask("/api/health", **headers)
            assert answer.status == 401
            assert "token" in answer.text
        assert server.ask(f"/?token={token}x").status == 401
        assert server.ask("/", Cookie=f"digitlens_{server.port}={token}").status == 401
        assert server.ask("/api/health", Authorization=f"Bearer {token}").status == 200
        with pytest.raises(InvalidStatus) as refused, server.watch():
            pass
        assert refused.value.response.status_code == 401
        bearer = {"Authorization": f"Bearer {token}"}
        with server.watch(additional_headers=bearer) as viewer:
            next_picture(viewer)
        answer = server.ask(f"/?token={token}")
        assert answer.status == 200
        name, _, rest = answer.headers["set-cookie"].partition("; ")
        assert token not in name
        assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(rest.split("; "))
        assert server.ask("/api/read", image, Cookie=name).status == 200
        assert server.ask("/", Host="evil.example", Cookie=name).status == 421
        assert token not in server.end()[2]


def test_the_token_may_be_given_and_then_holds_for_everybody() -> None:
    for host in ("0.0.0.0", "127.0.0.1"):
        with serving("--host", host, "test:", env={"DIGITLENS_TOKEN": "a b&ö"}) as server:
            assert server.address.endswith("/?token=a%20b%26%C3%B6")
            assert server.ask("/api/health").status == 401
            assert server.ask("/api/health?token=a%20b%26%C3%B6").status == 200


def test_names_can_be_allowed() -> None:
    with serving("test:", "--allow-host", "desk.example") as server:
        assert server.ask("/", Host=f"desk.example:{server.port}").status == 200
        assert server.ask("/", Host=f"other.example:{server.port}").status == 421


def test_it_serves_by_tls(tmp_path: Path, digitlens: Digitlens) -> None:
    cert, key = certificate(tmp_path)
    trust = ssl.create_default_context(cafile=str(cert))
    with serving("test:", "--certfile", cert, "--keyfile", key, "--host", "0.0.0.0") as server:
        assert server.address.startswith("https://")
        address = f"https://localhost:{server.port}/?{server.address.partition('?')[2]}"
        with urllib.request.urlopen(address, context=trust) as answer:
            assert "Secure" in answer.headers["set-cookie"]
    result = digitlens("serve", "test:", "--port", 0, "--certfile", key)
    assert_one_line_error(result, 2, key)
    result = digitlens("serve", "test:", "--port", 0, "--certfile", tmp_path / "none.pem")
    assert_one_line_error(result, 2, "none.pem")
    result = digitlens("serve", "test:", "--port", 0, "--keyfile", key)
    assert_one_line_error(result, 2, "--certfile")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nothing.mp4"], ["nothing.mp4"]),
        (["test:", "--source", "0"], ["test:", "0"]),
        (["test:", "--host", "no.such.host.invalid"], ["no.such.host.invalid"]),
        (["test:", "--host", "192.0.2.1"], ["192.0.2.1"]),
        (["test:", "--port", "70000"], ["70000"]),
        (["test:", "--allow-host", "desk.local:80"], ["desk.local:80", "no port"]),
        (["test:", "--width", "2"], ["2"]),
        (["test:", "--provider", "gpu"], ["gpu"]),
        (["test:", "--model", "none.onnx"], ["none.onnx"]),
    ],
)
def test_what_cannot_be_served_is_one_line(
    digitlens: Digitlens, arguments: list[str], words: list[str]
) -> None:
    assert_one_line_error(digitlens("serve", *arguments), 2, *words)


def test_a_port_that_is_taken_is_one_line(server: Server, digitlens: Digitlens) -> None:
    result = digitlens("serve", "test:", "--port", server.port)
    assert_one_line_error(result, 2, server.port, "--port")


def upgrade(*lines: str) -> bytes:
    """A request for a WebSocket with further header lines."""
    head = ["GET /page/live HTTP/1.1", "Host: evil.example", "Connection: Upgrade"]
    head += ["Upgrade: websocket", "Sec-WebSocket-Version: 13"]
    head += ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", *lines]
    return "\r\n".join([*head, "", ""]).encode()


@pytest.mark.parametrize(
    "lines",
    [
        ["Content-Length: 5"],
        ["X: y"] * 150,
        [f"Cookie: {'x' * 9000}"],
        ["Transfer-Encoding: chunked"],
    ],
)
def test_what_is_no_proper_wish_for_a_socket_is_refused_and_closed(
    server: Server, lines: list[str]
) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as asked:
        asked.sendall(upgrade(*lines))
        assert asked.recv(1000).startswith(b"HTTP/1.1 4")
        while asked.recv(1000):
            pass


def test_nothing_that_a_socket_brings_is_logged() -> None:
    with serving("test:") as server:
        for opcode, payload in ((1, b"\xff\xfe"), (1, b"nonsense"), (2, b"\xff"), (9, b"x")):
            with server.watch() as viewer, viewer.send_context():
                viewer.protocol.send_frame(Frame(Opcode(opcode), payload))
            assert server.ask("/api/health").status == 200
        assert server.end()[2].count("\n") == 1


def test_fragments_without_end_cut_their_socket_alone(server: Server) -> None:
    with server.watch() as viewer:
        try:
            for _ in range(2000):
                with viewer.send_context():
                    viewer.protocol.send_frame(Frame(Opcode.TEXT, b"", fin=False))
                    viewer.protocol.send_frame(Frame(Opcode.CONT, b"", fin=False))
        except ConnectionClosed:
            pass
        else:
            raise AssertionError("it takes parts for ever")
    assert server.ask("/api/health").status == 200


def test_who_does_not_read_is_cut_off() -> None:
    patch = "import digitlens.serve.place as s; s.UNREAD_SECONDS = 1.0"
    with serving("test:", patch=patch) as server:
        deaf = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(3)]
        for each in deaf:
            each.sendall(b"GET /page/network HTTP/1.1\r\nHost: localhost\r\n\r\n" * 60)

        def connections() -> int:
            files = Path(f"/proc/{server.process.pid}/fd").iterdir()
            return sum("socket:" in str(each.readlink()) for each in files)

        until(lambda: connections() > 4, "all are connected")
        until(lambda: connections() <= 4, "only what the server itself needs is open")
        for each in deaf:
            each.close()


@pytest.mark.parametrize("has_tls", [False, True])
def test_more_sockets_than_files_may_be_open_are_survived(tmp_path: Path, has_tls: bool) -> None:
    patch = "import resource, digitlens.serve.connection as s; s.HEADER_SECONDS = 2.0\n"
    patch += "resource.setrlimit(resource.RLIMIT_NOFILE, (120, 120))"
    words = zip(("--certfile", "--keyfile"), certificate(tmp_path), strict=True)
    options = [word for pair in words for word in pair] if has_tls else []
    with serving("test:", *options, patch=patch) as server:
        held = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(160)]
        time.sleep(1)
        for each in held:
            each.close()
        trust = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
        address = server.address.replace("127.0.0.1", "localhost") + "api/health"
        with urllib.request.urlopen(address, context=trust if has_tls else None) as answer:
            assert answer.status == 200
        status, took, err = server.end()
        assert (status, took < 2) == (0, True)
        assert err.count("\n") == 1, err[:2000]


def test_tall_pictures_are_shown(server: Server, tmp_path: Path) -> None:
    tall = np.full((70_000, 30, 3), 200, np.uint8)
    image = cv2.imencode(".png", tall)[1].tobytes()
    header, arrays = unpack(server.ask("/page/read?steps=1", image).body)
    assert header["reading"]["height"] == 70_000
    assert cv2.imdecode(arrays["frame"], cv2.IMREAD_COLOR).shape[0] == 1280
    cv2.imwrite(str(tmp_path / "tall.png"), tall)
    with serving(tmp_path / "tall.png") as shown, shown.watch() as viewer:
        assert next_picture(viewer)[0]["reading"]["height"] == 70_000


def test_a_source_that_breaks_is_said_and_tried_again() -> None:
    patch = (
        "import digitlens.serve.broadcast as b; b.RETRY = 0.1\n"
        "def broken(*a): raise RuntimeError('no such luck')\n"
        "b.encoded, good = broken, b.encoded\n"
        "import threading; threading.Timer(1.5, lambda: setattr(b, 'encoded', good)).start()"
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


def test_large_images_keep_nobody_waiting_and_little_memory(image: bytes) -> None:
    big = cv2.imencode(".png", np.full((6000, 6000, 4), 50_000, np.uint16))[1].tobytes()
    with serving("test:") as server, ThreadPoolExecutor() as pool:
        asked = [pool.submit(server.ask, "/api/read", big) for _ in range(4)]
        time.sleep(0.3)
        assert server.ask("/api/read", image).status == 200
        assert not all(each.done() for each in asked)
        assert {each.result().status for each in asked} == {200}
        status = Path(f"/proc/{server.process.pid}/status").read_text()
        assert float(status.partition("VmHWM:")[2].split()[0]) / 1024 < 1100


def test_of_several_origins_all_are_looked_at(server: Server) -> None:
    own = f"http://127.0.0.1:{server.port}"
    head = f"GET /api/health HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nOrigin: {own}\r\n"
    with socket.create_connection(("127.0.0.1", server.port)) as asked:
        asked.sendall(f"{head}Origin: http://evil.example\r\n\r\n".encode())
        assert asked.recv(1000).startswith(b"HTTP/1.1 403")


def test_a_token_of_any_bytes_is_taken() -> None:
    with serving("test:", env={"DIGITLENS_TOKEN": os.fsdecode(b"t\xff\xc3\xb6")}) as server:
        assert server.address.endswith("?token=t%FF%C3%B6")
        assert server.ask("/api/health?token=t%FF%C3%B6").status == 200
        assert server.ask("/api/health?token=t%FF").status == 401
        bearer = b"Bearer t\xff\xc3\xb6".decode("latin-1")
        assert server.ask("/api/health", Authorization=bearer).status == 200


def test_closed_outputs_do_not_matter() -> None:
    for closed in (">&-", "2>&-"):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command = f"exec {sys.executable} -m digitlens serve test: --port {port} {closed}"
        with subprocess.Popen(
            command, shell=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:

            def answers(port: int = port) -> bool:
                with suppress(OSError):
                    socket.create_connection(("127.0.0.1", port)).close()
                    return True
                return False

            until(answers, "it listens")
            process.terminate()
            assert process.wait(timeout=10) == 0
