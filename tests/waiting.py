"""Waiting for what threads and other processes do."""

import threading
import time
from collections.abc import Callable

PATIENCE = 60.0


def until(is_so: Callable[[], object], what: str = "what was waited for") -> object:
    """Wait for something to become true; fail after `PATIENCE` seconds."""
    deadline = time.monotonic() + PATIENCE
    while not (found := is_so()):
        assert time.monotonic() < deadline, f"still not so: {what}"
        time.sleep(0.01)
    return found


def capture_threads() -> list[threading.Thread]:
    """List the threads that read a source."""
    return [thread for thread in threading.enumerate() if thread.name == "digitlens-capture"]
