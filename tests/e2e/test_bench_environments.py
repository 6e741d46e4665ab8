"""`digitlens bench` with other Pythons: real builds of onnxruntime, and workers in trouble."""

import signal
import subprocess
import tempfile
import time
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from onnx import TensorProto, helper

from benchmark import (
    CPU,
    ONE,
    OPENVINO,
    SHORT,
    STARTED,
    assert_gone,
    assert_one_line,
    bench,
    end,
    processes_with,
    report,
    rows_of,
    save_model,
    start,
    workers,
)
from command import Digitlens, Result
from digitlens.bench.process import WORKER
from digitlens.model_file import PACKAGED
from provider_environment import python_with_packages

MATRIX = {"x": (TensorProto.FLOAT, ["batch", 4, 4])}
LONG = ("--quick", "--batch", 1, "--pace", "max", "--no-pipeline", "--seconds")


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    """A test that fails leaves no benchmark running."""
    yield
    while STARTED:
        STARTED.pop().kill()


@pytest.fixture(scope="module")
def side_by_side(digitlens: Digitlens, openvino: Path) -> list[dict[str, Any]]:
    """The rows of the CPU here and there, and of OpenVINO."""
    return rows_of(digitlens, "--env", openvino)


def script(path: Path, *lines: str) -> Path:
    """Write a shell script that is given out as a Python."""
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    path.chmod(0o755)
    return path


def first_and_failed(rows: list[dict[str, Any]], python: Path) -> dict[str, Any]:
    """Hold the rows to one of this Python that is ok; give the only other one."""
    here, there = rows
    assert (here["status"], here["python"]) == ("ok", None)
    assert there["python"] == str(python)
    assert there["latency_us"] is None
    assert there["reason"]
    return there


def test_two_builds_of_onnxruntime_are_set_side_by_side(
    side_by_side: list[dict[str, Any]], openvino: Path
) -> None:
    assert [row["status"] for row in side_by_side] == ["ok"] * 3
    assert [(row["provider"], row["python"]) for row in side_by_side] == [
        (CPU, None),
        (CPU, str(openvino)),
        (OPENVINO, str(openvino)),
    ]
    here, there, by_openvino = side_by_side
    assert here["engine"] != there["engine"] == by_openvino["engine"]
    code = "import onnxruntime; print(onnxruntime.__version__)"
    version = subprocess.run([openvino, "-c", code], capture_output=True, text=True).stdout
    assert by_openvino["engine"] == f"onnxruntime {version.strip()}"


def test_openvino_runs_every_node_and_computes_nearly_the_same(
    side_by_side: list[dict[str, Any]],
) -> None:
    row = side_by_side[2]
    assert list(row["placement"]) == [OPENVINO]
    assert row["placement"][OPENVINO] >= 10
    assert 0 < row["max_error"] < 1e-4
    assert row["taps_latency_us"]["p50"] > 0
    assert row["bound_latency_us"]["p50"] > 0


def test_a_table_names_the_environments(digitlens: Digitlens, openvino: Path) -> None:
    result = bench(digitlens, "--env", openvino.parent.parent)
    assert result.status == 0
    lines = result.out.splitlines()
    (second,) = (line for line in lines if line.startswith("[2] onnxruntime "))
    assert second.endswith(f"{openvino.relative_to(openvino.parents[2])}")
    for name in ("cpu [1]", "cpu [2]", "openvino [2]"):
        assert sum(line.startswith(name) for line in lines) >= 2


def test_without_tolerance_openvino_is_wrong(digitlens: Digitlens, openvino: Path) -> None:
    here, there, wrong = rows_of(digitlens, "--env", openvino, "--tolerance", 0)
    assert (here["status"], here["max_error"]) == ("ok", 0)
    assert there["status"] in ("ok", "wrong result")
    assert wrong["status"] == "wrong result"
    assert wrong["latency_us"] is None
    assert f"differs from the CPU's by {wrong['max_error']:.2g}, more than the 0" in wrong["reason"]
    outputs = ("conv1", "pool1", "conv2", "pool2", "conv3", "fc1", "logits", "probabilities")
    assert wrong["reason"].split()[0] in outputs


def test_a_placement_on_two_providers_is_told(
    digitlens: Digitlens, openvino: Path, tmp_path: Path
) -> None:
    nodes = [
        helper.make_node("Relu", ["x"], ["a"]),
        helper.make_node("Inverse", ["a"], ["b"], domain="com.microsoft"),
        helper.make_node("Sigmoid", ["b"], ["y"]),
    ]
    model = save_model(tmp_path / "mixed.onnx", nodes, MATRIX)
    arguments = (model, "--provider", "openvino", "--env", openvino)
    (row,) = rows_of(digitlens, *arguments)
    assert row["status"] == "ok"
    assert sorted(row["placement"]) == [CPU, OPENVINO]
    assert min(row["placement"].values()) >= 1
    result = bench(digitlens, *arguments)
    assert result.status == 0
    notes = [line for line in result.out.splitlines() if "nodes ran on" in line]
    assert len(notes) == 1
    assert "openvino 1" in notes[0]
    assert "cpu 2" in notes[0]


def test_a_provider_that_gets_no_node_fails(
    digitlens: Digitlens, openvino: Path, tmp_path: Path
) -> None:
    node = helper.make_node("Inverse", ["x"], ["y"], domain="com.microsoft")
    model = save_model(tmp_path / "inverse.onnx", [node], MATRIX)
    here, there, wrong = rows_of(digitlens, model, "--env", openvino)
    assert here["status"] == there["status"] == "ok"
    assert wrong["status"] == "wrong placement"
    assert wrong["placement"] == {CPU: 1}
    assert f"{OPENVINO} ran no node; {CPU} 1 did" in wrong["reason"]


def test_plugin_is_measured_or_lacks_a_device(digitlens: Digitlens, plugin: Path) -> None:
    """It offers Intel's processors, with which it computes exactly, and no others."""
    (row,) = rows_of(digitlens, "--env", plugin, "--provider", "openvino")
    assert row["provider"] == OPENVINO
    if "GenuineIntel" in Path("/proc/cpuinfo").read_text():
        assert row["status"] == "ok"
        assert list(row["placement"]) == [OPENVINO]
        assert 0 < row["max_error"] < 1e-4
        code = "import worker; worker.plugin_devices(); model = open({!r}, 'rb').read(); "
        code += "print(*worker.placement(worker.open_session(model, {!r}, 1)))"
        command = [plugin, "-c", code.format(str(PACKAGED), OPENVINO)]
        there = subprocess.run(command, cwd=WORKER.parent, capture_output=True, text=True)
        assert there.stdout.split() == [OPENVINO], there  # registered before it is opened, too
    else:
        assert row["status"] == "no device"
        assert "onnxruntime-ep-openvino" in row["reason"]


def test_a_python_without_numpy_is_a_row(digitlens: Digitlens, tmp_path: Path) -> None:
    venv.create(tmp_path / "bare")
    python = tmp_path / "bare" / "bin" / "python"
    row = first_and_failed(rows_of(digitlens, "--env", python), python)
    assert row["status"] == "failed"
    assert f"{python} -m pip install numpy" in row["reason"]


def test_a_python_without_onnxruntime_is_a_row(digitlens: Digitlens, tmp_path: Path) -> None:
    python = python_with_packages(["numpy"], tmp_path)
    row = first_and_failed(rows_of(digitlens, "--env", python, "--provider", "cpu"), python)
    assert row["status"] == "not installed"
    assert f"{python} -m pip install onnxruntime" in row["reason"]


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["exit 1"], "status 1"),
        (["exit 0"], "status 0"),
        (["echo no room >&2", "exit 3"], "status 3 at 'look': no room"),
        (["kill -SEGV $$"], "SIGSEGV"),
        (["printf '\\377\\n'"], "'look'"),
        (["echo '[1]'"], "'look'"),
        (["echo '{}'"], "it is no Python"),
        (["exec yes"], "no worker runs there"),
        (["sleep 300 &", "echo rubbish"], "no worker runs there"),
    ],
    ids=lambda value: "; ".join(value) if isinstance(value, list) else "",
)
def test_a_python_that_is_none_is_a_row(
    digitlens: Digitlens, tmp_path: Path, lines: list[str], reason: str
) -> None:
    python = script(tmp_path / "python", *lines)
    row = first_and_failed(rows_of(digitlens, "--env", python), python)
    assert row["status"] == "failed"
    assert reason in row["reason"]


def test_a_python_that_never_answers_is_a_row_and_ends_with_its_children(
    digitlens: Digitlens, tmp_path: Path
) -> None:
    python = script(tmp_path / "python", f"tail -f {tmp_path / 'python'} >&2", "echo")
    rows = rows_of(digitlens, "--env", python, "--timeout", 2)
    row = first_and_failed(rows, python)
    assert (row["status"], row["reason"]) == ("failed", "no answer to 'look' within 2 s: it hangs")
    assert_gone(processes_with(str(python)))


def test_a_python_that_is_not_there_is_told(digitlens: Digitlens, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "none", tmp_path, tmp_path / "file"):
        assert_one_line(bench(digitlens, "--env", path), 2, path, "bin/python")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_worker_that_dies_or_hangs_is_a_row(openvino: Path, number: signal.Signals) -> None:
    providers = ("--provider", "openvino", "--provider", "cpu", "--env", openvino)
    process = start(*LONG, 1, *providers, "--timeout", 2, "--format", "json")
    end(workers(process, openvino)[-1:], number)
    left = workers(process, openvino)
    out, err = process.communicate(timeout=120)
    rows = report(Result(process.returncode, out, err))["rows"]
    assert process.returncode == 1
    failed = [row for row in rows if row["status"] != "ok"]
    assert len(rows) == 3
    assert len(failed) == 1
    assert failed[0]["status"] == "failed"
    assert failed[0]["python"] == str(openvino)
    reason = "SIGKILL at 'measure'" if number == signal.SIGKILL else "it hangs"
    assert reason in failed[0]["reason"]
    assert_gone(left)


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_ends_all_and_leaves_nothing(
    openvino: Path, tmp_path: Path, number: signal.Signals, status: int
) -> None:
    raw = tmp_path / "raw.json"
    arguments = (*LONG, 600, "--env", openvino, "--raw", raw)
    with tempfile.TemporaryDirectory() as folder:
        process = start(*arguments, TMPDIR=folder)
        living = workers(process) + workers(process, openvino)
        assert len(living) == 3
        assert list(Path(folder).glob("digitlens-bench-*"))
        for pause in (0, 0.001, 0.01, 0.2):  # once more, while it ends
            time.sleep(pause)
            process.send_signal(number)
        out, err = process.communicate(timeout=30)
        assert process.returncode == status, err
        message = "Error: interrupted" if number == signal.SIGINT else ""
        assert (out, err.strip()) == ("", message)
        assert_gone(living)
        assert not list(Path(folder).iterdir())
    assert not raw.exists()


def test_workers_end_with_the_benchmark_that_is_killed(openvino: Path, tmp_path: Path) -> None:
    raw = tmp_path / "raw.json"
    raw.write_text("of the last run")
    process = start(*LONG, 600, "--env", openvino, "--raw", raw, TMPDIR=str(tmp_path))
    living = workers(process) + workers(process, openvino)
    assert len(living) == 3
    process.kill()
    process.communicate(timeout=30)
    assert_gone(living)
    assert raw.read_text() == "of the last run"


def test_a_closed_output_is_quiet(tmp_path: Path) -> None:
    process = start(*ONE, TMPDIR=str(tmp_path))
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    with process.stderr as messages:
        assert "Traceback" not in messages.read()
    assert process.wait(timeout=60) == 1
    assert not list(tmp_path.iterdir())


def test_an_environment_that_is_named_by_a_relative_path_is_found(
    digitlens: Digitlens, openvino: Path
) -> None:
    relative = openvino.relative_to(openvino.parents[2])
    arguments = (*SHORT, "--batch", 1, "--pace", "max", "--no-pipeline", "--env", relative)
    result = digitlens(
        "bench",
        *arguments,
        "--provider",
        "openvino",
        "--format",
        "json",
        cwd=openvino.parents[2],
        env={"DIGITLENS_DATA": None},
    )
    (row,) = report(result)["rows"]
    assert (row["status"], row["python"]) == ("ok", str(openvino))
