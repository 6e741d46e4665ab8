import sys
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from digitlens.bench.interpreter import Interpreter, Offer, look
from digitlens.bench.row import FAILED, NOT_INSTALLED
from digitlens.bench.worker import AZURE, CPU
from digitlens.errors import NotFoundError

CUDA = "CUDAExecutionProvider"


def program(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(["#!/bin/sh", *lines]) + "\n")
    path.chmod(0o755)
    return path


def test_this_python_has_what_it_imports(tmp_path: Path) -> None:
    found = look(None, tmp_path, 60)
    assert (found.path, found.error) == ("", "")
    assert found.found["onnxruntime"] == ort.__version__
    assert found.engine == f"onnxruntime {ort.__version__}"
    assert found.command[0] == sys.executable
    assert found.command[1].endswith("worker.py")
    assert list(found.offers()) == [Offer(CPU)]


@pytest.mark.parametrize("name", [Path(sys.executable), Path(sys.prefix)])
def test_an_environment_is_named_by_its_python_or_its_folder(tmp_path: Path, name: Path) -> None:
    found = look(name, tmp_path, 60)
    assert Path(found.path).is_file()
    assert found.command[0] == found.path
    assert found.found["numpy"] == np.__version__


def test_a_link_to_a_python_is_not_followed_out_of_its_environment(tmp_path: Path) -> None:
    link = tmp_path / "bin" / "python"
    link.parent.mkdir()
    link.symlink_to(sys.executable)
    for path in (link, tmp_path):
        assert look(path, tmp_path, 60).path == str(link)


def test_the_path_may_be_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(sys.prefix)
    assert look(Path("bin/python"), tmp_path, 60).error == ""


@pytest.mark.parametrize("kind", ["missing", "folder", "file"])
def test_what_is_no_python_is_not_found(tmp_path: Path, kind: str) -> None:
    path = tmp_path / kind
    if kind == "folder":
        path.mkdir()
    if kind == "file":
        path.write_text("hello")
    with pytest.raises(NotFoundError, match=r"no Python at .*\.venv/bin/python") as error:
        look(path, tmp_path, 60)
    assert str(path) in str(error.value)


def test_a_python_without_numpy_or_onnxruntime_has_the_way_out(tmp_path: Path) -> None:
    libraries = tmp_path / "libraries"
    libraries.mkdir()
    installed = Path(np.__file__).parent.parent
    for name in ("numpy", "numpy.libs"):
        (libraries / name).symlink_to(installed / name)
    bare = program(tmp_path / "bare", f'exec {sys.executable} -S "$@"')
    half = program(
        tmp_path / "half", f"export PYTHONPATH={libraries}", f'exec {sys.executable} -S "$@"'
    )
    for path, package, status in (
        (bare, "numpy", FAILED),
        (half, "onnxruntime", NOT_INSTALLED),
    ):
        found = look(path, tmp_path, 60)
        assert found.error == f"{package} is missing there: {path} -m pip install {package}"
        assert (found.status, found.engine, found.found) == (status, "", {})
        assert list(found.offers()) == [Offer("", status=status, reason=found.error)]
        wanted = (CPU, CUDA)
        assert [(o.provider, o.status) for o in found.offers(wanted)] == [
            (CPU, status),
            (CUDA, status),
        ]


@pytest.mark.parametrize(
    ("line", "timeout", "reason"),
    [
        ("exit 7", 60, "ended with status 7"),
        ("echo not Python >&2; exit 1", 60, "not Python"),
        ("kill -9 $$", 60, "SIGKILL"),
        ("exec sleep 600", 0.5, "it hangs"),
    ],
)
def test_a_python_that_cannot_run_the_worker_has_failed(
    tmp_path: Path, line: str, timeout: float, reason: str
) -> None:
    path = program(tmp_path / "python", line)
    found = look(path, tmp_path, timeout)
    assert reason in found.error
    assert (found.path, found.status) == (str(path), FAILED)


def test_providers_are_offered_with_the_cpu_first_and_without_azure() -> None:
    plugin = {"package": "onnxruntime-ep-webgpu", "providers": ["B", "A"], "error": None}
    found = {
        "available": [CUDA, AZURE, CPU],
        "plugins": [plugin],
        "devices": [["B", "GPU"], ["B", "NPU"], ["B", "GPU"], ["A", "CPU"]],
    }
    offers = list(Interpreter("", found).offers())
    assert offers == [
        Offer(CPU),
        Offer("A", "CPU"),
        Offer("B", "GPU"),
        Offer("B", "NPU"),
        Offer(CUDA),
    ]
    assert list(Interpreter("", found).offers((AZURE, CUDA))) == [Offer(AZURE), Offer(CUDA)]
