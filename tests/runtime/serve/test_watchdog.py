import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from digitlens.serve.watchdog import Watchdog

HOUR = str(3600 * 10**6)


class Manager:
    """What listens in systemd's place."""

    def __init__(self, address: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address)
        self._socket.setblocking(False)

    def heard(self) -> list[str]:
        found = []
        while True:
            try:
                found.append(self._socket.recv(100).decode())
            except BlockingIOError:
                return found

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(params=["file", "abstract"])
def manager(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Manager]:
    name = f"digitlens-{os.getpid()}"
    is_file = request.param == "file"
    manager = Manager(str(tmp_path / name) if is_file else f"\0{name}")
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / name) if is_file else f"@{name}")
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    yield manager
    manager.close()


def test_it_says_that_it_is_ready_goes_on_and_ends(
    manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "200000")
    watchdog = Watchdog()
    watchdog.beat()
    assert manager.heard() == []
    watchdog.begin()
    watchdog.beat()
    watchdog.beat()
    assert manager.heard() == ["READY=1", "WATCHDOG=1"]
    time.sleep(0.11)
    watchdog.beat()
    assert manager.heard() == ["WATCHDOG=1"]
    watchdog.end()
    time.sleep(0.11)
    watchdog.beat()
    assert manager.heard() == ["STOPPING=1"]


@pytest.mark.parametrize(
    ("variable", "value"),
    [("WATCHDOG_USEC", None), ("WATCHDOG_USEC", "soon"), ("WATCHDOG_PID", "1")],
)
def test_it_is_silent_where_nobody_asked_for_a_watchdog(
    manager: Manager, monkeypatch: pytest.MonkeyPatch, variable: str, value: str | None
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", HOUR)
    if value is None:
        monkeypatch.delenv(variable)
    else:
        monkeypatch.setenv(variable, value)
    watchdog = Watchdog()
    watchdog.begin()
    watchdog.beat()
    assert manager.heard() == ["READY=1"]


def test_without_a_manager_nothing_happens(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for address in ("", str(tmp_path / "gone")):
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        watchdog = Watchdog()
        watchdog.begin()
        watchdog.beat()
        watchdog.end()


def test_children_do_not_speak_for_it(manager: Manager, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", HOUR)
    Watchdog()
    assert not {"NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC"} & os.environ.keys()
    assert manager.heard() == []
