"""Ctrl-C that waits for a good moment: the first asks, the second insists."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread
from types import FrameType


class Interrupt:
    """Whether Ctrl-C was pressed."""

    def __init__(self) -> None:
        self.asked = False

    def ask(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Remember a SIGINT; at the second one do not wait any longer."""
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True


@contextmanager
def postponed() -> Iterator[Interrupt]:
    """Note Ctrl-C within the block instead of stopping there.

    The block looks at `asked` where it can stop; if it did not, the end of the block does. Where
    Ctrl-C is ignored, and outside the main thread, nothing changes.
    """
    interrupt = Interrupt()
    is_ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN  # under nohup, say
    if is_ignored or current_thread() is not main_thread():
        yield interrupt
        return
    before = signal.signal(signal.SIGINT, interrupt.ask)
    try:
        yield interrupt
    finally:
        signal.signal(signal.SIGINT, before)
    if interrupt.asked:
        raise KeyboardInterrupt
