import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from digitlens import folders

FOLDERS = [
    (folders.cache, "XDG_CACHE_HOME", ".cache"),
    (folders.config, "XDG_CONFIG_HOME", ".config"),
]
Folder = Callable[[], Path]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    return tmp_path


@pytest.mark.parametrize(("folder", "variable", "usual"), FOLDERS)
def test_the_environment_names_the_folder_on_linux(
    home: Path, monkeypatch: pytest.MonkeyPatch, folder: Folder, variable: str, usual: str
) -> None:
    assert folder() == home / usual / "digitlens"
    monkeypatch.setenv(variable, "/some/where")
    assert folder() == Path("/some/where/digitlens")


@pytest.mark.parametrize(("folder", "variable", "usual"), FOLDERS)
@pytest.mark.parametrize("named", ["", "relative", "./here", "~/there"])
def test_a_name_that_is_not_absolute_does_not_count(
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    folder: Folder,
    variable: str,
    usual: str,
    named: str,
) -> None:
    monkeypatch.setenv(variable, named)
    assert folder() == home / usual / "digitlens"


def test_macos_has_its_library(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setenv("XDG_CACHE_HOME", "/some/where")
    monkeypatch.setenv("XDG_CONFIG_HOME", "/some/where")
    assert folders.cache() == home / "Library" / "Caches" / "digitlens"
    assert folders.config() == home / "Library" / "Application Support" / "digitlens"


@pytest.mark.parametrize("named", ["", "/data/local"])
def test_windows_has_its_local_data(
    home: Path, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", named)
    local = Path(named) if named else home / "AppData" / "Local"
    # As other programs have it: %LOCALAPPDATA%\author\program.
    assert folders.cache() == local / "digitlens" / "digitlens" / "Cache"
    assert folders.config() == local / "digitlens" / "digitlens"


def test_no_folder_is_made(home: Path) -> None:
    folders.cache(), folders.config()
    assert list(home.iterdir()) == []
