import os
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from digitlens.bench.process import OWN_WORKER, Process, WorkerError
from digitlens.errors import DigitlensError

ANSWER_PIDS = """
import json, os, sys
for line in sys.stdin:
    print(json.dumps({"pid": os.getpid(), **json.loads(line)}), flush=True)
"""


@contextmanager
def running(code: str, folder: Path, *, threads: int = 1, timeout: float = 30) -> Iterator[Process]:
    process = Process([sys.executable, "-c", code], folder, threads=threads, timeout=timeout)
    with closing(process):
        yield process


def is_there(pid: int) -> bool:
    """Tell whether there is such a process, be it a zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_requests_and_answers_are_passed_on(tmp_path: Path) -> None:
    with running(ANSWER_PIDS, tmp_path) as process:
        answers = [process.ask("sing", 0, song=i, text="ä\n") for i in range(3)]
    assert [answer["song"] for answer in answers] == [0, 1, 2]
    assert answers[0]["do"] == "sing"
    assert answers[0]["text"] == "ä\n"


def test_numbers_without_bounds_are_passed_on(tmp_path: Path) -> None:
    with running(ANSWER_PIDS, tmp_path) as process:
        assert process.ask("sing", size=float("inf"))["size"] == float("inf")


def test_a_command_that_is_not_there_cannot_be_started(tmp_path: Path) -> None:
    missing = str(tmp_path / "python")
    with pytest.raises(WorkerError, match="cannot be started") as error:
        Process([missing, "-c", ""], tmp_path)
    assert missing in str(error.value)
    assert error.value.missing == ""
    assert isinstance(error.value, DigitlensError)


def test_a_command_that_is_no_program_cannot_be_started(tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("hello")
    text.chmod(0o755)
    for path in (text, tmp_path):
        with pytest.raises(WorkerError, match="cannot be started"):
            Process([str(path)], tmp_path)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("raise SystemExit(3)", "ended with status 3 at 'open'"),
        (
            "import sys; sys.stderr.write('one\\ntwo words\\n\\n'); sys.exit(3)",
            "ended with status 3 at 'open': two words",
        ),
        ("input(); 1 / 0", "status 1 at 'open': ZeroDivisionError: division by zero"),
        ("pass", "ended with status 0 at 'open'"),
        ("import os; os.kill(os.getpid(), 9)", "was ended by SIGKILL at 'open'"),
        ("import os; input(); os.kill(os.getpid(), 11)", "was ended by SIGSEGV at 'open'"),
        ("import os; input(); os.kill(os.getpid(), 40)", "was ended by signal 40 at 'open'"),
        ("import os; os.abort()", "was ended by SIGABRT at 'open'"),
        ("import os, sys; os.close(0); sys.exit(4)", "ended with status 4 at 'open'"),
        ("input(); print('rubbish')", "answers 'open' with b'rubbish"),
        ("input(); print(); input()", "answers 'open' with"),
        ("input(); print('[1, 2]', flush=True); input()", "answers 'open' with b'[1, 2]"),
        ("input(); print('null', flush=True); input()", "answers 'open' with b'null"),
        ("import os; input(); os.write(1, b'\\xff\\xfe\\n'); input()", "answers 'open' with"),
        ("while True: print('rubbish')", "answers 'open' with b'rubbish"),
        ("import os; os.close(1); input(); os.close(0); os._exit(5)", "ended with status 5"),
    ],
)
def test_a_worker_that_fails_is_told_with_its_last_words(
    tmp_path: Path, code: str, reason: str
) -> None:
    with running(code, tmp_path) as process, pytest.raises(WorkerError) as error:
        process.ask("open")
    text = str(error.value)
    assert text.endswith(reason) or reason in text
    assert "\n" not in text


def test_last_words_are_cut_and_need_not_be_text(tmp_path: Path) -> None:
    code = "import os; os.write(2, b'begin ' + b'\\xff' * 400 + b' end'); os._exit(3)"
    with running(code, tmp_path) as process, pytest.raises(WorkerError, match=r"end$") as error:
        process.ask("open")
    assert "begin" not in str(error.value)
    assert len(str(error.value)) < 400


def test_a_worker_that_never_answers_is_ended(tmp_path: Path) -> None:
    code = f"{ANSWER_PIDS}    __import__('time').sleep(600)"
    with running(code, tmp_path, timeout=0.2) as process:
        pid = process.ask("open", 15)["pid"]
        with pytest.raises(WorkerError, match=r"no answer to 'feed' within 0\.2 s: it hangs"):
            process.ask("feed")
    assert not is_there(pid)


def test_what_takes_its_time_is_waited_for(tmp_path: Path) -> None:
    code = "import time; input(); time.sleep(0.3); print('{}', flush=True); input()"
    with running(code, tmp_path, timeout=0.1) as process:
        assert process.ask("measure", 15) == {}


def test_an_error_is_raised_and_names_what_is_missing(tmp_path: Path) -> None:
    code = """
for answer in ('{"error": "no luck"}', '{"error": "no numpy", "missing": "numpy"}', '{"a": 1}'):
    input()
    print(answer, flush=True)
"""
    with running(code, tmp_path) as process:
        with pytest.raises(WorkerError, match=r"^no luck$") as error:
            process.ask("open")
        assert error.value.missing == ""
        with pytest.raises(WorkerError, match=r"^no numpy$") as error:
            process.ask("open")
        assert error.value.missing == "numpy"
        assert process.ask("open") == {"a": 1}


@pytest.mark.parametrize("end", ["", "__import__('time').sleep(600)"])
def test_closing_leaves_no_process_behind(tmp_path: Path, end: str) -> None:
    with running(f"{ANSWER_PIDS}\n{end}", tmp_path) as process:
        pid = process.ask("open")["pid"]
        assert is_there(pid)
    assert not is_there(pid)


def test_closing_after_death_and_closing_a_worker_that_was_never_asked_is_fine(
    tmp_path: Path,
) -> None:
    for code in ("raise SystemExit(3)", ANSWER_PIDS):
        with running(code, tmp_path):
            pass
    with closing(Process(OWN_WORKER, tmp_path)):
        pass


def test_closing_twice_signals_nobody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(ANSWER_PIDS, tmp_path) as process:
        process.close()
        monkeypatch.setattr(os, "killpg", lambda *_: pytest.fail("its number may be another's"))


def test_nothing_is_left_in_the_folder(tmp_path: Path) -> None:
    with running(ANSWER_PIDS, tmp_path) as process:
        process.ask("open")
    assert list(tmp_path.iterdir()) == []


def test_its_libraries_get_their_threads_and_it_finds_digitlens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", "/some/where")
    code = """
import json, os, digitlens
input()
print(json.dumps(dict(os.environ) | {"cwd": os.getcwd(), "session": os.getsid(0) == os.getpid()}))
"""
    with running(code, tmp_path, threads=3) as process:
        found = process.ask("open")
    for library in ("OMP", "OPENBLAS", "MKL"):
        assert found[f"{library}_NUM_THREADS"] == "3"
    assert found["ORT_DISABLE_TELEMETRY"] == "1"
    assert found["PYTHONPATH"].endswith(":/some/where")
    assert Path(found["cwd"]).samefile(tmp_path)
    assert found["session"] is True  # Ctrl-C does not reach it
