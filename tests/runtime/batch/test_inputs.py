"""Which files an input stands for, in which order, and in how much memory."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from digitlens.batch.inputs import File, Input, check, files
from digitlens.errors import NotFoundError, UsageError

NAMES = [
    "b.png",
    "a/10.png",
    "a/9.PNG",
    "a/deep/x.jpg",
    "c.tar",
    "notes.txt",
    ".hidden.png",
    ".git/x.png",
    "a.npy",
    "train-labels-idx1-ubyte",
    "train-images-idx3-ubyte.gz",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in NAMES:
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"1234")
    return tmp_path / "in"


def found(*inputs: str, output: str = "/nowhere") -> list[File]:
    return list(files(tuple(map(Input.of, inputs)), output))


def names(*inputs: str, **options: str) -> list[str]:
    return [file.source for file in found(*inputs, **options)]


def test_a_folder_is_walked_in_the_order_of_its_names_without_what_is_no_input(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = ["a/10.png", "a/9.PNG", "a/deep/x.jpg", "a.npy", "b.png", "c.tar",
             "train-images-idx3-ubyte.gz"]  # fmt: skip
    assert names(str(folder)) == [f"{folder}/{name}" for name in below]
    monkeypatch.chdir(folder.parent)
    for called in ("in", "in/", "./in"):
        assert names(called) == [f"{called.rstrip('/')}/{name}" for name in below]
    assert names(".") == [f"./in/{name}" for name in below]
    assert found("in/b.png")[0].path == str(folder / "b.png")
    assert found("in")[4].size == 4
    assert found("in")[4].time_ns == (folder / "b.png").stat().st_mtime_ns


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("in/*.png", ["in/b.png"]),
        ("in/**/*.png", ["in/a/10.png", "in/b.png"]),
        ("in/a/**", ["in/a/10.png", "in/a/9.PNG", "in/a/deep/x.jpg"]),
        ("in/?/1*", ["in/a/10.png"]),
        ("in/[ab]*", ["in/a.npy", "in/b.png"]),
        ("*/c.tar", ["in/c.tar"]),
        ("in/*", ["in/a.npy", "in/b.png", "in/c.tar", "in/train-images-idx3-ubyte.gz"]),
        ("in/*.gif", []),
        ("elsewhere/*.png", []),
    ],
)
def test_patterns(
    folder: Path, monkeypatch: pytest.MonkeyPatch, pattern: str, expected: list[str]
) -> None:
    monkeypatch.chdir(folder.parent)
    assert names(pattern) == expected
    absolute = [f"{folder.parent}/{name}" for name in expected]
    assert names(f"{folder.parent}/{pattern}") == absolute
    address = f"file://{folder.parent}"
    if not set("?[") & set(pattern):
        assert names(f"{address}/{pattern}") == [f"{address}/{name}" for name in expected]


def test_the_current_folder_is_no_pattern(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a[1]", "a1"):
        (tmp_path / name / "s").mkdir(parents=True)
        (tmp_path / name / "s" / f"{name}.png").touch()
    monkeypatch.chdir(tmp_path / "a[1]")
    assert names("s/*.png") == ["s/a[1].png"]
    assert names("*.png", "s") == ["s/a[1].png"]


def test_a_name_that_looks_like_a_pattern_but_is_there_is_a_name(tmp_path: Path) -> None:
    (tmp_path / "scan [1].png").touch()
    (tmp_path / "scan 1.png").touch()
    name = f"{tmp_path}/scan [1].png"
    assert names(name) == [name]


def test_a_file_that_is_named_is_taken_whatever_it_is_called(tmp_path: Path) -> None:
    (tmp_path / "photo").touch()
    assert names(str(tmp_path / "photo")) == [str(tmp_path / "photo")]


def test_inputs_follow_each_other_as_they_are_named(folder: Path) -> None:
    assert [Path(name).name for name in names(f"{folder}/b.png", f"{folder}/a", f"{folder}/b.png")
            ] == ["b.png", "10.png", "9.PNG", "x.jpg", "b.png"]  # fmt: skip


def test_names_need_not_be_utf_8(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/caf\xe9.png"
    Path(os.fsdecode(path)).touch()
    for given in (str(tmp_path), os.fsdecode(path)):
        (file,) = found(given)
        assert file.source == f"{tmp_path}/caf\\udce9.png"
        assert os.fsencode(file.path) == path


def test_the_output_is_no_input_and_links_do_not_lead_round(folder: Path) -> None:
    (folder / "a" / "round").symlink_to(folder)
    (folder / "a" / "nowhere.png").symlink_to(folder / "gone.png")
    (folder / "a" / "link.png").symlink_to(folder / "b.png")
    assert names(str(folder / "a"))[-2:] == [f"{folder}/a/link.png", f"{folder}/a/nowhere.png"]
    assert [file.size for file in found(str(folder / "a"))] == [4, 4, 4, 4, -1]
    assert len(names(str(folder), output=str(folder / "a"))) == 4


def test_what_stands_for_nothing_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name in ("nope", "", f"{tmp_path}/empty", f"{folder}/*.gif", "nope/*.png", "no\0pe"):
        with pytest.raises((NotFoundError, UsageError)):
            check((Input.of(name),), "/nowhere")
    os.mkfifo(folder / "pipe.png")
    with pytest.raises(UsageError, match="no regular file"):
        check((Input.of(str(folder / "pipe.png")),), "/nowhere")
    with pytest.raises(UsageError, match=r"gopher://x/y: cannot be opened"):
        check((Input.of("gopher://me:secret@x/y?secret"),), "/nowhere")


def test_an_output_inside_is_left_out_whatever_it_is_called(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder)
    for output in (f"{folder}/a", f"{folder}//a", f"file://{folder}/a"):
        for given in (str(folder), f"{tmp_path}/link", f"file://{folder}"):
            assert len(names(given, output=output)) == 4


def test_files_that_come_and_go_do_not_take_the_others_with_them(tmp_path: Path) -> None:
    for number in range(500):
        (tmp_path / f"{number:03d}.png").touch()
    code = "import pathlib, sys\nwhile True:\n"
    code += "    p = pathlib.Path(sys.argv[1], 'gone.png'); p.touch(); p.unlink()\n"
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)]) as process:
        for _ in range(40):
            assert len(set(names(str(tmp_path))) - {f"{tmp_path}/gone.png"}) == 500
        process.kill()


def test_links_that_lead_nowhere_or_round_are_errors_of_their_own(folder: Path) -> None:
    (folder / "self.png").symlink_to("self.png")
    (folder / "self").symlink_to("self")
    files = found(str(folder))
    assert [file.size for file in files if file.source.endswith("self.png")] == [-1]
    assert len(files) == 8


def test_a_folder_that_cannot_be_listed_stands_for_itself_if_something_in_it_might_match(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scandir = os.scandir

    def refuse(path: str):
        if path.endswith("/deep"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    for pattern in ("", "/**/*.jpg", "/a/**", "/*/*/*.jpg"):
        files = found(f"{folder}{pattern}")
        assert [file.size for file in files if file.source == f"{folder}/a/deep"] == [-1]
    assert not any(file.size < 0 for file in found(f"{folder}/*/*.png"))
    with pytest.raises(UsageError, match="cannot be listed"):
        found(f"{folder}/a/deep")


def test_only_folders_that_may_match_are_listed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = []
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: listed.append(path) or scandir(path))
    found(f"{folder}/b*/*.png")
    assert listed == [str(folder)]


def test_many_stars_and_deep_folders(tmp_path: Path) -> None:
    deep = tmp_path
    for _ in range(300):
        deep /= "k"
    deep.mkdir(parents=True)
    (deep / "a.png").touch()
    assert len(names(f"{tmp_path}/" + "**/" * 12 + "*.png")) == 1
    assert names(f"{tmp_path}/" + "**/" * 12 + "zz.png") == []


def test_a_million_names_do_not_sit_in_memory(tmp_path: Path) -> None:
    """200,000 names in one folder, as a million would take this test too long."""
    for number in range(200_000):
        os.close(os.open(tmp_path / f"{number:07d}-with-a-name-of-usual-length.png", os.O_CREAT))
    code = (
        "import resource, sys\n"
        "from digitlens.batch.inputs import Input, files\n"
        "def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before, last, count = peak(), '', 0\n"
        "for file in files((Input.of(sys.argv[1]),), '/nowhere'):\n"
        "    assert file.source > last\n"
        "    last, count = file.source, count + 1\n"
        "assert count == 200_000\n"
        "print((peak() - before) // 1024)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 8  # MB; the names alone are 9, as Python strings in a list 25
