"""Listens, says where, and ends within two seconds of a signal."""

import asyncio
import contextlib
import ipaddress
import logging
import os
import secrets
import socket
import ssl
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from digitlens.errors import UsageError
from digitlens.serve import connection
from digitlens.serve.connection import HttpConnection, SocketConnection
from digitlens.serve.guard import Guard
from digitlens.serve.place import BACKLOG, Place
from digitlens.serve.watchdog import Watchdog
from digitlens.signals import on_end

TOKEN = "DIGITLENS_TOKEN"
"""Environment variable that holds the token, where it is not to be a new one every time."""
SPARE_FILES = 4096
"""Files that may be open at least, where the system allows it: TLS counts as a connection only when
it has agreed on keys."""
MAX_MESSAGE = 4096
"""Bytes of a message that a viewer may send."""


def serve(app: ASGIApp, place: Place, say: Callable[[str], None]) -> None:
    """Answer until a signal comes.

    Args:
        app: what answers.
        place: where to listen.
        say: is told the address at which the page is, with the token, once it can be opened.

    Raises:
        UsageError: nothing can listen there, or the certificate cannot be used.
    """
    listener = place.listener()
    with contextlib.closing(listener):
        host, port = listener.getsockname()[:2]
        is_open = not ipaddress.ip_address(host).is_loopback
        token = os.environ.get(TOKEN) or (secrets.token_urlsafe(16) if is_open else None)
        guard = Guard(
            app,
            names=place.hosts(is_open=is_open),
            token=token,
            cookie=f"digitlens_{port}",
            is_secure=place.certfile is not None,
        )
        server = _Server(_config(guard, place))
        _make_room()
        say(place.address(host, port, token))
        asyncio.run(server.serve(sockets=[listener]))


class _Server(uvicorn.Server):
    """Takes each signal as the wish to end, from now on."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._watchdog = Watchdog()
        on_end(self._end)

    def _end(self, _: int) -> None:
        self.should_exit = True

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
            return HttpConnection(self.config, self.server_state, self.lifespan.state)

        patience = connection.HEADER_SECONDS if self.config.ssl else None
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
        self._watchdog.begin()

    async def on_tick(self, counter: int) -> bool:
        """Show that the loop turns; uvicorn calls this ten times a second."""
        self._watchdog.beat()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let all who are connected go."""
        self._watchdog.end()
        await super().shutdown(sockets)


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


def _config(app: ASGIApp, place: Place) -> uvicorn.Config:
    logging.getLogger("uvicorn.error").addFilter(_is_fault)
    config = uvicorn.Config(
        app,
        http=HttpConnection,
        ws=SocketConnection,
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
