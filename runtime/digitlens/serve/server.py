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
from typing import Any
from urllib.parse import quote

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState
from websockets.frames import Frame

from digitlens.errors import UsageError
from digitlens.serve.guard import HOST, PARAMETER, Guard

TOKEN = "DIGITLENS_TOKEN"
"""Environment variable that holds the token, where it is not to be a new one every time."""
MAX_CONNECTIONS, BACKLOG = 512, 64
SPARE_FILES = 4096
"""Files that may be open at least, where the system allows it: TLS counts as a connection only when
it has agreed on keys."""
HEADER_SECONDS = 10.0
"""Time that a request may take until its headers are there."""
UNREAD_SECONDS = 30.0
"""Time that somebody may take to read what was sent, before the connection is cut."""
MAX_MESSAGE, MAX_FRAGMENTS = 4096, 64
"""Bytes of a message that a viewer may send, and parts that it may come in."""
_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
_NO_SOCKET = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
_TOO_MANY = b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Place:
    """Where to listen, and to whom.

    Attributes:
        host: a name or an address of this machine.
        port: 0 for any that is free.
        names: further host names by which the server may be called, without a port.
        certfile, keyfile: of a certificate for TLS, in PEM.
    """

    host: str = "127.0.0.1"
    port: int = 8765
    names: Sequence[str] = ()
    certfile: Path | None = None
    keyfile: Path | None = None

    def __post_init__(self) -> None:
        """Refuse names that no request can bring."""
        for name in self.names:
            if not HOST.fullmatch(name) or ":" in name.rpartition("]")[2]:
                raise UsageError(f"no host name {name!r}: give a name such as desk.local, no port")


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
        server = _Server(_config(guard, place))
        _make_room()
        say(_address(place, host, port, token))
        asyncio.run(server.serve(sockets=[listener]))


class _Server(uvicorn.Server):
    """Takes each signal as the wish to end, from now on."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)

        def stop(number: int, frame: FrameType | None) -> None:
            del number, frame
            self.should_exit = True

        for name in _SIGNALS:
            if hasattr(signal, name):  # Windows has no SIGHUP
                signal.signal(getattr(signal, name), stop)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals as they are; uvicorn would raise them again afterwards."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen; uvicorn would wait for half a handshake for a minute."""
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(_handle)
        await self.lifespan.startup()

        def protocol() -> asyncio.Protocol:
            return _Protocol(self.config, self.server_state, self.lifespan.state)

        patience = HEADER_SECONDS if self.config.ssl else None
        self.servers = [
            await loop.create_server(
                protocol,
                sock=each,
                ssl=self.config.ssl,
                backlog=BACKLOG,
                ssl_handshake_timeout=patience,
            )
            for each in sockets or []
        ]
        self.started = True


def _handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Pass over that there are no more sockets; asyncio tries again after a second."""
    if "out of system resource" not in context["message"]:
        loop.default_exception_handler(context)


def _make_room() -> None:
    """Let as many files be open as many connections need."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource  # not on Windows

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = SPARE_FILES if hard == resource.RLIM_INFINITY else min(SPARE_FILES, hard)
        if soft != resource.RLIM_INFINITY and soft < most:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


class _Socket(WebSocketsSansIOProtocol):
    """A WebSocket that takes no more than it can answer."""

    def handle_ping(self) -> None:
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.transport.abort()

    def send_receive_event_to_app(self) -> None:
        try:
            super().send_receive_event_to_app()
        except InvalidState:  # text that is none, from somebody who is leaving
            self.transport.close()

    def handle_cont(self, event: Frame) -> None:
        if len(self.frames) < MAX_FRAGMENTS:
            super().handle_cont(event)
        else:
            self.transport.abort()


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

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        self._is_upgraded = True
        super().handle_websocket_upgrade(event)
        upgraded = self.transport.get_protocol()
        if isinstance(upgraded, _Socket) and not upgraded.handshake_initiated:
            self._end(_NO_SOCKET)

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
        ws=_Socket,
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
    is_sent = isinstance(error, asyncio.CancelledError | UnicodeDecodeError)  # text that is none
    return error is not None and not is_sent


def _listener(place: Place) -> socket.socket:
    try:
        kind, _, _, _, address = socket.getaddrinfo(
            place.host or None, place.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        # asyncio sends small answers at once (TCP_NODELAY) only if the protocol is named.
        listener = socket.socket(kind, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        if os.name == "posix":  # elsewhere it would let others take the port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux; connections inherit it
            unread = round(1000 * UNREAD_SECONDS)
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, unread)
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
    return f"{scheme}://{shown}:{port}/" + (
        f"?{PARAMETER}={quote(os.fsencode(token))}" if token else ""
    )


def _outward_address() -> str:
    """Give the address from which this machine would reach others; nothing is sent."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # of TEST-NET-1, RFC 5737
        return str(probe.getsockname()[0])
    return ""
