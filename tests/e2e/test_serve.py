"""How `digitlens serve` begins and ends."""

import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from http.client import HTTPConnection
from pathlib import Path

import cv2
import numpy as np
import pytest

from command import Digitlens, assert_one_line_error
from server import HALF, Server, close_code, next_picture, serving
from waiting import until


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
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
                with suppress(OSError), closing(HTTPConnection("127.0.0.1", port)) as asked:
                    asked.request("GET", "/api/health")
                    return asked.getresponse().status == 200
                return False

            until(answers, "it answers")
            process.terminate()
            assert process.wait(timeout=10) == 0


def test_systemd_hears_that_it_is_ready_and_goes_on_until_it_hangs(tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(address)
        manager.settimeout(10)
        env = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "600000"}
        with serving("test:", env=env) as server:
            assert [manager.recv(99) for _ in range(3)] == [b"READY=1", *[b"WATCHDOG=1"] * 2]
            assert server.ask("/api/health").status == 200
            server.process.send_signal(signal.SIGSTOP)
            manager.settimeout(0.6)
            with suppress(TimeoutError):  # what was said before
                manager.recv(99)
            with pytest.raises(TimeoutError):
                manager.recv(99)
            server.process.send_signal(signal.SIGCONT)
            manager.settimeout(10)
            assert manager.recv(99) == b"WATCHDOG=1"
            assert server.end()[0] == 0
            while (heard := manager.recv(99)) == b"WATCHDOG=1":
                pass
            assert heard == b"STOPPING=1"
