"""Tells systemd that the server is ready, and from then on that it goes on: sd_notify(3)."""

import os
import re
import socket
import time
from contextlib import suppress


class Watchdog:
    """Talks to the service manager that `NOTIFY_SOCKET` and `WATCHDOG_USEC` name, if any.

    The variables are taken away, so that what this process starts does not speak for it.
    """

    def __init__(self) -> None:
        self._address = os.environ.pop("NOTIFY_SOCKET", "")
        self._seconds = _seconds()
        self._due = float("inf")

    def begin(self) -> None:
        """Say that the server is ready."""
        self._tell("READY=1")
        self._due = time.monotonic() if self._seconds else float("inf")

    def beat(self) -> None:
        """Say that it goes on, twice in the time after which it would be taken for hung."""
        if time.monotonic() >= self._due:
            self._tell("WATCHDOG=1")
            self._due = time.monotonic() + self._seconds / 2

    def end(self) -> None:
        """Say that it ends because it was asked to."""
        self._tell("STOPPING=1")
        self._due = float("inf")

    def _tell(self, state: str) -> None:
        if not self._address:
            return
        # An @ stands for the zero byte that begins the name of a socket without a file.
        address = re.sub("^@", "\0", self._address)
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.sendto(state.encode(), address)


def _seconds() -> float:
    """Give the time after which systemd takes this process for hung; 0 if it does not ask."""
    pid, microseconds = (os.environ.pop(f"WATCHDOG_{name}", "") for name in ("PID", "USEC"))
    if not microseconds.isdecimal() or pid not in ("", str(os.getpid())):
        return 0.0
    return int(microseconds) / 1e6
