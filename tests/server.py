"""`digitlens serve` as a process, and a client that asks it."""

import http.client
import json
import os
import re
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

PATIENCE = 60.0
HALF = b"POST /api/read HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\nhalf"
"""A request whose body does not come."""


class Answer:
    def __init__(self, answer: http.client.HTTPResponse) -> None:
        self.status, self.headers = answer.status, answer.headers
        self.body = answer.read()

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()


class Server:
    """A process that serves; `patch` is Python that runs in it first."""

    def __init__(
        self, *arguments: object, patch: str = "", env: Mapping[str, str] | None = None
    ) -> None:
        code = f"{patch}\nfrom digitlens.cli import main\nmain()"
        words = map(str, arguments if "--port" in arguments else (*arguments, "--port", 0))
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, "serve", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **(env or {})},
        )
        assert self.process.stdout
        self.address = self.process.stdout.readline().strip()
        assert self.address, self.process.communicate(timeout=PATIENCE)
        self.host = urlsplit(self.address).netloc
        self.port = int(self.host.rpartition(":")[2])

    def ask(
        self,
        path: str,
        body: bytes | Iterator[bytes] | None = None,
        *,
        method: str | None = None,
        **headers: str,
    ) -> Answer:
        """Ask on loopback; the names of headers have `_` for `-`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method or ("POST" if body is not None else "GET"), path, body, named)
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def watch(self, **options: Any) -> ClientConnection:
        """Watch the live picture."""
        address = f"ws://127.0.0.1:{self.port}/page/live"
        return connect(address, max_size=None, proxy=None, close_timeout=1, **options)

    def metric(self, name: str) -> float:
        """Give the value of a metric, of all its labels together."""
        found = re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", self.ask("/api/metrics").text, re.M)
        assert found, name
        return sum(map(float, found))

    def end(self, how: int = signal.SIGTERM) -> tuple[int, float, str]:
        """Send a signal; give the exit status, the seconds that it took, and standard error."""
        start = time.monotonic()
        self.process.send_signal(how)
        _, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, time.monotonic() - start, err


@contextmanager
def serving(*arguments: object, **options: Any) -> Iterator[Server]:
    server = Server(*arguments, **options)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.process.kill()
        server.process.communicate()


def unpack(packet: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Take a packet apart, as `packet.js` does."""
    (length,) = struct.unpack_from("<I", packet)
    header = json.loads(packet[4 : 4 + length])
    arrays = {
        each["name"]: np.frombuffer(
            packet,
            np.dtype(each["dtype"]).newbyteorder("<"),
            int(np.prod(each["shape"])),
            4 + length + each["offset"],
        ).reshape(each["shape"])
        for each in header["arrays"]
    }
    return header, arrays


def next_picture(socket: ClientConnection, *, says_seen: bool = True) -> tuple[dict, dict]:
    """Give the next picture, and say that it was seen."""
    while isinstance(message := socket.recv(PATIENCE), str):
        pass
    header, arrays = unpack(message)
    if says_seen:
        socket.send(json.dumps({"seen": header["number"]}))
    return header, arrays


def next_status(socket: ClientConnection, state: str) -> dict[str, Any]:
    """Wait for a state of the source."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        message = socket.recv(PATIENCE)
        if isinstance(message, bytes):
            socket.send(json.dumps({"seen": unpack(message)[0]["number"]}))
        elif (found := json.loads(message)).get("state") == state:
            return found
    raise AssertionError(f"never {state}")


def close_code(socket: ClientConnection) -> int:
    """Wait until the server closes a socket; give its reason."""
    try:
        while True:
            socket.recv(PATIENCE)
    except ConnectionClosed as closed:
        return int(closed.rcvd.code) if closed.rcvd else 1006


def certificate(folder: Path) -> tuple[Path, Path]:
    """Make a certificate for localhost, and its key."""
    cert, key = folder / "cert.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run(
        [*command, "-keyout", str(key), "-out", str(cert)], check=True, capture_output=True
    )
    return cert, key
