import os
import subprocess
import sys
from pathlib import Path

import pytest

from digitlens.errors import UsageError
from digitlens.files import check_writable, replacing, write_text


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.txt"
    write_text(path, "the first text")
    with path.open() as reader:
        write_text(path, "the second text")
        assert reader.read() == "the first text"  # moved into place, not written over
    assert path.read_text() == "the second text"
    assert [p.name for p in path.parent.iterdir()] == ["a.txt"]


def test_what_a_link_points_to_is_replaced_and_a_device_is_left(tmp_path: Path) -> None:
    file, link, pipe = tmp_path / "a.txt", tmp_path / "link", tmp_path / "pipe"
    file.write_text("old")
    link.symlink_to(file)
    write_text(link, "new")
    assert link.is_symlink()
    assert file.read_text() == "new"
    os.mkfifo(pipe)
    with pytest.raises(UsageError, match="no regular file"):
        write_text(pipe, "new")
    assert pipe.is_fifo()


def test_a_name_that_is_too_long_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="File name too long"):
        write_text(tmp_path / ("x" * 300), "new")
    assert list(tmp_path.iterdir()) == []


def test_an_error_on_the_way_leaves_the_old_file_and_nothing_beside(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail_half_way() -> None:
        with replacing(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_process_killed_while_writing_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    code = f"""
import time
from pathlib import Path
from digitlens.files import replacing
with replacing(Path({str(path)!r})) as temporary:
    temporary.write_text("half")
    print("now", flush=True)
    time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.kill()
    assert process.returncode != 0
    assert path.read_text() == "old"


def test_places_that_cannot_be_written_are_refused_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for target, reason in (
        (tmp_path / "file" / "a", "no folder to write in"),
        (tmp_path, "is a folder"),
        (Path("/"), "is a folder"),
    ):
        with pytest.raises(UsageError, match=reason):
            check_writable(target)
    check_writable(tmp_path / "new" / "a.txt")
    assert not (tmp_path / "new").exists()
