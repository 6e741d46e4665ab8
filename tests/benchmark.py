"""`digitlens bench` as the tests see it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import onnx
from onnx import TensorProto, helper

from command import OFFLINE, Digitlens, Result

SHORT = ("--quick", "--queries", 32, "--seconds", 0.05)
ONE = (*SHORT, "--batch", 1, "--pace", "max", "--no-pipeline")
"""One row a provider, measured for a moment."""

CPU, OPENVINO = "CPUExecutionProvider", "OpenVINOExecutionProvider"
NO_DATA = {"DIGITLENS_DATA": None}


def report(result: Result) -> dict[str, Any]:
    """Read the JSON, which may hold no NaN and no infinity."""

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    assert "Traceback" not in result.err, result.err
    assert result.out, result.err
    return json.loads(result.out, parse_constant=refuse)


def bench(digitlens: Digitlens, *arguments: object, **variables: object) -> Result:
    """Measure one row a provider, without data."""
    return digitlens("bench", *ONE, *arguments, env=NO_DATA | variables)


def rows_of(digitlens: Digitlens, *arguments: object) -> list[dict[str, Any]]:
    """Measure one row a provider, without data, and give the rows of the JSON.

    The exit status must say whether all of them are ok.
    """
    result = bench(digitlens, *arguments, "--format", "json")
    rows = report(result)["rows"]
    assert result.status == (0 if all(row["status"] == "ok" for row in rows) else 1)
    return rows


def assert_one_line(result: Result, status: int, *words: object) -> None:
    """Hold an error to one line, before which it may say what it measures."""
    assert result.status == status, result
    assert result.out == ""
    lines = [line for line in result.err.splitlines() if not line.startswith("measuring ")]
    assert len(lines) == 1, result.err
    assert lines[0].startswith("Error: ")
    for word in words:
        assert str(word) in lines[0]


STARTED: list[subprocess.Popen[str]] = []
"""What `start` started."""


def start(*arguments: object, **variables: str) -> subprocess.Popen[str]:
    """Start the command, and wait until it measures, if it gets so far."""
    environment = {**os.environ, **OFFLINE, **variables}
    environment.pop("DIGITLENS_DATA", None)
    process = subprocess.Popen(
        [sys.executable, "-m", "digitlens", "bench", *map(str, arguments)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    STARTED.append(process)
    assert process.stderr is not None
    assert process.stderr.readline().startswith("measuring ")
    return process


def workers(process: subprocess.Popen[str], python: str | Path = sys.executable) -> list[int]:
    """List the workers of a benchmark that run in a Python."""
    return [pid for pid in children(process.pid) if _command(pid)[:1] == [os.fsencode(str(python))]]


def assert_gone(pids: Iterable[int]) -> None:
    """Give processes some seconds to end."""
    deadline = time.monotonic() + 20
    while living := [pid for pid in pids if _command(pid)]:
        assert time.monotonic() < deadline, living
        time.sleep(0.1)


def processes_with(argument: str) -> list[int]:
    """List the processes with an argument in their command line."""
    pids = (int(folder.name) for folder in Path("/proc").glob("[0-9]*"))
    return [pid for pid in pids if argument.encode() in _command(pid)]


def end(pids: Iterable[int], number: signal.Signals) -> None:
    """Send a signal to processes, of which there must be some."""
    pids = list(pids)
    assert pids
    for pid in pids:
        os.kill(pid, number)


def children(parent: int) -> list[int]:
    """List the processes that a process has started, and that are there."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        if int(fields[1]) == parent:
            found.append(int(path.parent.name))
    return found


def _command(pid: int) -> list[bytes]:
    """Give the command line, which a process that has ended lacks."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[:-1]
    except OSError:
        return []


def save_model(
    path: Path,
    nodes: Sequence[onnx.NodeProto],
    inputs: dict[str, tuple[int, Sequence[object]]],
    outputs: Sequence[str | onnx.ValueInfoProto] = ("y",),
    weights: Sequence[onnx.TensorProto] = (),
) -> Path:
    """Write an ONNX file; inputs have a type and a shape, outputs are float32 if not given."""
    tensor = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "graph",
        [tensor(name, kind, shape) for name, (kind, shape) in inputs.items()],
        [tensor(o, TensorProto.FLOAT, None) if isinstance(o, str) else o for o in outputs],
        weights,
    )
    domains = {"": 17, "ai.onnx.ml": 3, "com.microsoft": 1}
    opsets = [helper.make_opsetid(domain, version) for domain, version in domains.items()]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
    return path
