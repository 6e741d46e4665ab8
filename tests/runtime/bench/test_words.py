from pathlib import Path

import pytest

from digitlens.bench import words
from digitlens.bench.row import FAILED, PEER, PIPELINE
from measured import CPU, CUDA, EVEN, MODEL, failed, report, row

OPENVINO = "OpenVINOExecutionProvider"
APART = tuple(3 * us for us in EVEN)
OTHER = "/home/user/envs/other/bin/python"


def test_nodes_that_ran_elsewhere_are_noted() -> None:
    split = row(provider=CUDA, placement={CUDA: 12, CPU: 5})
    assert "cuda: nodes ran on cuda 12, cpu 5" in words.notes(report(split))
    assert not any("ran on" in note for note in words.notes(report(row())))


def test_rows_that_cannot_be_told_apart_are_noted() -> None:
    one, two, three = row(), row(threads=2), row(APART, threads=4)
    assert words.notes(report(one, two, three)) == [
        "batch 1, max: cannot be told apart: cpu with 1 thread, cpu with 2 threads"
    ]


@pytest.mark.parametrize(
    "other", [{"batch": 8}, {"pace": 30.0}, {"kind": PIPELINE}], ids=["batch", "pace", "kind"]
)
def test_rows_of_other_work_are_not_set_side_by_side(other: dict[str, object]) -> None:
    assert words.notes(report(row(), row(**other))) == []


def test_several_interpreters_are_numbered() -> None:
    found = report(
        row(),
        row(python=OTHER),
        row(kind=PEER, provider="OpenCV DNN", placement={}),
        interpreters=(None, OTHER),
    )
    assert "[1] onnxruntime 1.31.1, this Python" in words.head(found)
    assert f"[2] onnxruntime 1.31.1, {OTHER}" in words.head(found)
    assert [words.name(each, found) for each in found.rows] == ["cpu [1]", "cpu [2]", "OpenCV DNN"]


def test_an_interpreter_without_a_worker_is_numbered_too() -> None:
    found = report(row(), failed(FAILED, "no numpy", provider="", python=OTHER))
    found.environment["interpreters"].append({"path": OTHER, "error": "no numpy"})
    assert f"[2] no worker, {OTHER}" in words.head(found)
    assert "onnxruntime [2]: failed: no numpy" in words.notes(found)


def test_several_models_are_named() -> None:
    other = Path("a/int8.onnx")
    found = report(row(), row(model=other), models=(MODEL, other))
    assert [words.name(each, found) for each in found.rows] == ["cpu, lenet5", "cpu, int8"]
    assert sum("248,000 bytes" in line for line in words.head(found)) == 2


def test_the_device_of_a_plugin_is_named() -> None:
    found = report(row(provider=OPENVINO, device="NPU"))
    assert words.name(found.rows[0], found) == "openvino:npu"


def test_a_failure_at_some_work_alone_says_at_which() -> None:
    rows = [row(), failed(FAILED, "no memory", provider=CPU, batch=128, threads=2)]
    assert "cpu with 2 threads (batch 128, max): failed: no memory" in words.notes(report(*rows))
    assert words.notes(report(rows[1])) == ["cpu: failed: no memory"]
