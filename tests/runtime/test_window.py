from pathlib import Path

import pytest

from digitlens import window
from screen import Screen


def test_nothing_of_the_current_folder_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "numpy.py").write_text("raise RuntimeError('a stranger ran')")
    monkeypatch.chdir(tmp_path)
    assert "stranger" not in (window.problem() or "")


@pytest.mark.screen
def test_a_window_can_be_opened_on_a_display_and_not_without(
    screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPLAY", screen.display)
    assert window.problem() is None
    monkeypatch.delenv("DISPLAY")
    assert "display" in (window.problem() or "")
