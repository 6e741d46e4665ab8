"""Where a server listens, and by which names and address it is reached."""

import contextlib
import ipaddress
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from digitlens.errors import UsageError
from digitlens.serve.guard import HOST, PARAMETER

BACKLOG = 64
"""Connections that may wait to be accepted."""
UNREAD_SECONDS = 30.0
"""Time that somebody may take to read what was sent, before the connection is cut."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where to listen, and to whom.

    Attributes:
        host: a name or an address of this machine.
        port: 0 for any that is free.
        names: further host names by which the server may be called, without a port.
        certfile, keyfile: of a certificate for TLS, in PEM.
    """

    host: str
    port: int
    names: Sequence[str]
    certfile: Path | None
    keyfile: Path | None

    def __post_init__(self) -> None:
        """Refuse names that no request can bring."""
        for name in self.names:
            if not HOST.fullmatch(name) or ":" in name.rpartition("]")[2]:
                raise UsageError(f"no host name {name!r}: give a name such as desk.local, no port")

    def listener(self) -> socket.socket:
        """Begin to listen.

        Raises:
            UsageError: nothing can listen there.
        """
        try:
            kind, _, _, _, address = socket.getaddrinfo(
                self.host or None, self.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            return _listening(kind, address)
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise UsageError(
                f"cannot listen at {self.host} port {self.port} ({reason}): choose another --port, "
                "or a --host of this machine"
            ) from error

    def hosts(self, *, is_open: bool) -> list[str]:
        """Give the names by which it may be called; `is_open` is whether others can call it."""
        names = ["localhost", self.host, *self.names]
        return [*names, socket.gethostname(), f"{socket.gethostname()}.local"] if is_open else names

    def address(self, host: str, port: int, token: str | None) -> str:
        """Give the address at which it is reached, once it listens at `host` and `port`."""
        scheme = "https" if self.certfile else "http"
        if ipaddress.ip_address(host).is_unspecified:
            host = _outward_address() or socket.gethostname()
        elif not ipaddress.ip_address(host).is_loopback or self.host == "localhost":
            host = self.host
        shown = f"[{host}]" if ":" in host else host
        return f"{scheme}://{shown}:{port}/" + (
            f"?{PARAMETER}={quote(os.fsencode(token))}" if token else ""
        )


def _listening(kind: socket.AddressFamily, address: Any) -> socket.socket:  # noqa: ANN401
    # asyncio sends small answers at once (TCP_NODELAY) only if the protocol is named.
    listener = socket.socket(kind, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":  # elsewhere it would let others take the port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux; connections inherit it
            unread = round(1000 * UNREAD_SECONDS)
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, unread)
        listener.bind(address)
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def _outward_address() -> str:
    """Give the address from which this machine would reach others; nothing is sent."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # of TEST-NET-1, RFC 5737
        return str(probe.getsockname()[0])
    return ""
