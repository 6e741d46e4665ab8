"""What `digitlens serve` takes of those who ask too much, too slowly, or nonsense."""

import socket
import ssl
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Frame, Opcode

from digitlens.capture.test_card import Card
from digitlens.contract import TAPS
from server import HALF, Server, certificate, close_code, next_picture, serving
from waiting import until


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


def test_answers_that_nobody_reads_are_bounded_in_memory(image: bytes) -> None:
    crowd = cv2.imencode(".png", Card(1280, 960, 100, noise=0).frame(0))[1].tobytes()
    path = "/api/read?taps=" + ",".join(tap.name for tap in TAPS)
    patch = "import digitlens.serve.outbox as o; o.MAX_TOGETHER = 20 << 20"
    with serving("test:", patch=patch) as server:
        assert 10 << 20 < len(server.ask(path, crowd).body) < 20 << 20
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(crowd)}\r\n\r\n"
        with socket.create_connection(("127.0.0.1", server.port)) as deaf:
            deaf.sendall(head.encode() + crowd)
            assert deaf.recv(12) == b"HTTP/1.1 200"  # and reads no more
            assert server.ask(path, crowd).status == 503
            assert server.ask(path, image).status == 200
        until(lambda: server.ask(path, crowd).status == 200, "nobody waits any more")


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
