from pathlib import Path

import pytest

from digitlens import window


def test_nothing_of_the_current_folder_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "numpy.py").write_text("raise RuntimeError('a stranger ran')")
    monkeypatch.chdir(tmp_path)
    assert "stranger" not in (window.problem() or "")
