"""Signals that ask a program to end: Ctrl-C, SIGTERM, and SIGHUP of a closed terminal."""

import signal
import sys
from collections.abc import Callable
from types import FrameType

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")


def on_end(handle: Callable[[int], None]) -> None:
    """Call `handle` with the number of each of these signals; one that is ignored stays so."""

    def take(number: int, frame: FrameType | None) -> None:
        del frame
        handle(number)

    for name in _NAMES:
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number and signal.getsignal(number) != signal.SIG_IGN:  # as nohup sets it
            signal.signal(number, take)


def end_once() -> None:
    """Let the first signal end the program by an exception, and no other disturb how it clears up.

    A second one would be raised within the locks of `queue` and `threading`.
    """
    has_come = False

    def end(number: int) -> None:
        nonlocal has_come
        if has_come:
            return
        has_come = True
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        sys.exit(128 + number)  # as shells have it

    on_end(end)
