import time
from pathlib import Path

import pytest

from batching import job
from digitlens.batch import progress
from digitlens.batch.progress import Progress
from digitlens.batch.results import Counts, Summary


def test_where_there_is_no_terminal_a_line_says_it_now_and_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "EVERY", 0.05)
    (tmp_path / "a.png").write_bytes(bytes(1000))
    shown = Progress(job(tmp_path))
    shown.add(Summary(0, 250, Counts(readings=20, errors=5)))
    time.sleep(0.1)
    shown.add(Summary(1, 250, Counts(readings=25), is_new=False))
    line = capsys.readouterr().err
    assert len(line.splitlines()) == 1
    assert line.startswith(" 50% 500/1.00k [00:00<00:00, ")
    assert "B/s, 50 images, " in line
    assert shown.summary().startswith(
        f"50 images: 45 read, 5 could not be, see {job(tmp_path).output}/errors, "
    )
    assert shown.summary().endswith("; 1 of 2 shards were there")
    shown.close()
