import json
from pathlib import Path

import pytest

from digitlens import pick
from digitlens.errors import DataError, NotFoundError, UsageError
from digitlens.pick import Pick
from digitlens.session import Session

CPU = "CPUExecutionProvider"


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the tests out of the user's folders, and give the file that is kept."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return tmp_path / "digitlens" / "pick.json"


def threads_of(session: Session) -> int:
    return session._session.get_session_options().intra_op_num_threads


def test_what_is_kept_is_loaded_again_and_the_last_one_counts(file: Path) -> None:
    for threads in (4, 2):
        kept = Pick(CPU, threads, 12.345)
        pick.save(kept)
        assert pick.load() == kept
    assert [path.name for path in file.parent.iterdir()] == ["pick.json"]
    assert json.loads(file.read_text()) == {"provider": CPU, "threads": 2, "p50_us": 12.345}


def test_without_a_pick_the_way_out_is_told() -> None:
    with pytest.raises(NotFoundError, match="digitlens bench --pick"):
        pick.load()
    with pytest.raises(NotFoundError, match="digitlens bench --pick"):
        Session(provider="auto")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"{}",
        b'{"provider": "CPUExecutionProvider"}',
        b'{"provider": "CPUExecutionProvider", "threads": "many", "p50_us": 1}',
        b'{"provider": "CPUExecutionProvider", "threads": null, "p50_us": 1}',
        b'{"provider": "CPUExecutionProvider", "threads": Infinity, "p50_us": 1}',
    ],
)
def test_a_damaged_pick_is_named_with_the_way_out(file: Path, content: bytes) -> None:
    file.parent.mkdir()
    file.write_bytes(content)
    with pytest.raises(DataError, match="is damaged: run 'digitlens bench --pick' again") as error:
        pick.load()
    assert str(file) in str(error.value)


def test_a_folder_in_the_place_of_the_file_is_told(file: Path) -> None:
    file.mkdir(parents=True)
    with pytest.raises(DataError, match="cannot be read \\(Is a directory\\)"):
        pick.load()
    with pytest.raises(UsageError, match="cannot write"):
        pick.save(Pick(CPU, 1, 1))


def test_a_session_takes_the_provider_and_threads_of_the_pick() -> None:
    pick.save(Pick(CPU, 3, 12.3))
    session = Session(provider="auto")
    assert list(session.placement) == ["cpu"]
    assert threads_of(session) == 3


def test_threads_that_are_given_win() -> None:
    pick.save(Pick(CPU, 3, 12.3))
    assert threads_of(Session(provider="auto", threads=2)) == 2


def test_the_pick_is_for_auto_alone() -> None:
    pick.save(Pick("CUDAExecutionProvider", 3, 12.3))
    assert threads_of(Session()) == 1
    assert threads_of(Session(provider="cpu")) == 1


def test_a_provider_that_is_no_longer_here_is_not_replaced_by_another() -> None:
    pick.save(Pick("CUDAExecutionProvider", 1, 12.3))
    with pytest.raises(NotFoundError, match="cuda is not in this build"):
        Session(provider="auto")
