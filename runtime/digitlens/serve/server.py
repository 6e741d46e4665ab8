"""Listens, says where, and ends within two seconds of a signal."""

import asyncio
import contextlib
import ipaddress
import logging
import os
import secrets
import signal
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from urllib.parse import quote

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from digitlens.errors import UsageError
from digitlens.serve.guard import PARAMETER, Guard

TOKEN = "DIGITLENS_TOKEN"
"""Environment variable that holds the token, where it is not to be a new one every time."""
MAX_CONNECTIONS, BACKLOG = 512, 256
HEADER_SECONDS = 10.0
"""Time that a request may take until its headers are there."""
MAX_MESSAGE = 4096
"""Bytes of a message that a viewer may send."""
_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
_TOO_MANY = b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Place:
    """Where to listen, and to whom.

    Attributes:
        host: a name or an address of this machine.
        port: 0 for any that is free.
        names: further host names by which the server may be called.
        certfile, keyfile: of a certificate for TLS, in PEM.
    """

    host: str = "127.0.0.1"
    port: int = 8765
    names: Sequence[str] = ()
    certfile: Path | None = None
    keyfile: Path | None = None


def serve(app: ASGIApp, place: Place, say: Callable[[str], None]) -> None:
    """Answer until a signal comes.

    Args:
        app: what answers.
        place: where to listen.
        say: is told the address at which the page is, with the token, once it can be opened.

    Raises:
        UsageError: nothing can listen there, or the certificate cannot be used.
    """
    listener = _listener(place)
    with contextlib.closing(listener):
        host, port = listener.getsockname()[:2]
        is_open = not ipaddress.ip_address(host).is_loopback
        token = os.environ.get(TOKEN) or (secrets.token_urlsafe(16) if is_open else None)
        guard = Guard(
            app,
            names=_names(place, is_open=is_open),
            token=token,
            cookie=f"digitlens_{port}",
            is_secure=place.certfile is not None,
        )
        config = _config(guard, place)
        say(_address(place, host, port, token))
        asyncio.run(_Server(config).serve(sockets=[listener]))


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take each signal as the wish to end; uvicorn would raise it again afterwards."""

        def stop(number: int, frame: FrameType | None) -> None:
            del number, frame
            self.should_exit = True

        for name in _SIGNALS:
            if hasattr(signal, name):  # Windows has no SIGHUP
                signal.signal(getattr(signal, name), stop)
        yield


class _Protocol(H11Protocol):
    """HTTP that waits for headers for a while only, and for so many connections."""

    _deadline: asyncio.TimerHandle | None = None
    _is_upgraded = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > MAX_CONNECTIONS:
            self._end(_TOO_MANY)
        else:
            self._wait()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        is_answering = self.cycle is not None and not self.cycle.response_complete
        if is_answering or self._is_upgraded:
            self._cancel()
        elif self._deadline is None:
            self._wait()

    def handle_websocket_upgrade(self, event: object) -> None:
        self._is_upgraded = True
        super().handle_websocket_upgrade(event)  # type: ignore[arg-type]

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._deadline = self.loop.call_later(HEADER_SECONDS, self._end, _TOO_SLOW)

    def _cancel(self) -> None:
        if self._deadline:
            self._deadline.cancel()
            self._deadline = None

    def _end(self, answer: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(answer)
            self.transport.close()


def _config(app: ASGIApp, place: Place) -> uvicorn.Config:
    logging.getLogger("uvicorn.error").addFilter(_is_fault)
    config = uvicorn.Config(
        app,
        http=_Protocol,
        ws="websockets-sansio",
        ws_max_size=MAX_MESSAGE,
        ws_per_message_deflate=False,  # JPEGs do not become smaller
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=1,
        ssl_certfile=place.certfile,
        ssl_keyfile=place.keyfile,
        ssl_keyfile_password="-",  # else OpenSSL asks for one on the terminal
    )
    try:
        config.load()
    except (OSError, ssl.SSLError) as error:
        reason = error.strerror or str(error)
        raise UsageError(
            f"the certificate {place.certfile} cannot be used ({reason}): give a PEM file, and its "
            "key, without password, in it or by --keyfile"
        ) from error
    return config


def _is_fault(record: logging.LogRecord) -> bool:
    """Keep what is wrong with this program in the log, and nothing of what was sent."""
    error = record.exc_info[1] if record.exc_info else None
    return error is not None and not isinstance(error, asyncio.CancelledError)


def _listener(place: Place) -> socket.socket:
    try:
        kind, _, _, _, address = socket.getaddrinfo(
            place.host or None, place.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        # asyncio sends small answers at once (TCP_NODELAY) only if the protocol is named.
        listener = socket.socket(kind, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        if os.name == "posix":  # elsewhere it would let others take the port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(
            f"cannot listen at {place.host} port {place.port} ({reason}): choose another --port, "
            "or a --host of this machine"
        ) from error
    listener.setblocking(False)
    return listener


def _names(place: Place, *, is_open: bool) -> list[str]:
    names = ["localhost", place.host, *place.names]
    return [*names, socket.gethostname(), f"{socket.gethostname()}.local"] if is_open else names


def _address(place: Place, host: str, port: int, token: str | None) -> str:
    scheme = "https" if place.certfile else "http"
    if ipaddress.ip_address(host).is_unspecified:
        host = _outward_address() or socket.gethostname()
    elif not ipaddress.ip_address(host).is_loopback or place.host == "localhost":
        host = place.host
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}:{port}/" + (f"?{PARAMETER}={quote(token)}" if token else "")


def _outward_address() -> str:
    """Give the address from which this machine would reach others; nothing is sent."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # of TEST-NET-1, RFC 5737
        return str(probe.getsockname()[0])
    return ""
