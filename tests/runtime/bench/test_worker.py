import ast
import gc
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper

import tiny
from digitlens.bench import worker
from digitlens.bench.process import OWN_WORKER, WORKER, Process, WorkerError
from digitlens.model_file import PACKAGED

CPU = worker.CPU
INF, NAN = float("inf"), float("nan")
MS = 1_000_000


class Clock:
    """Time that passes only when somebody sleeps or a call takes it."""

    def __init__(self) -> None:
        self.ns = 0

    def perf_counter_ns(self) -> int:
        return self.ns

    def monotonic(self) -> float:
        return self.ns / 1e9

    def process_time(self) -> float:
        return self.ns / 2e9

    def sleep(self, seconds: float) -> None:
        self.ns += round(seconds * 1e9)

    def taking(self, *durations: int) -> Callable[[], None]:
        """Give a call that takes so many ns, the last of them from then on."""
        waiting = list(durations)

        def call() -> None:
            self.ns += waiting.pop(0) if len(waiting) > 1 else waiting[0]

        return call


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(worker, "time", clock)
    return clock


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    with closing(Process(OWN_WORKER, tmp_path)) as process:
        yield process


# --- measuring ---


@pytest.mark.parametrize(
    ("queries", "seconds", "count"),
    [(7, 0, 7), (1, 0.1, 10), (50, 0.1, 50), (10, 0.1, 10)],
)
def test_it_makes_so_many_calls_and_lasts_so_long(
    clock: Clock, queries: int, seconds: float, count: int
) -> None:
    found = worker.measure(clock.taking(10 * MS), queries, seconds, None)
    assert found["latency_ns"] == [10 * MS] * count
    assert found["elapsed_s"] == pytest.approx(count * 0.01)
    assert found["cpu_s"] == pytest.approx(count * 0.005)


def test_every_call_has_its_own_time(clock: Clock) -> None:
    found = worker.measure(clock.taking(1, 500, 20, 3), 4, 0, None)
    assert found["latency_ns"] == [1, 500, 20, 3]


def test_paced_calls_wait_until_they_are_due(clock: Clock) -> None:
    found = worker.measure(clock.taking(2 * MS), 5, 0, rate=100)
    assert found["latency_ns"] == [2 * MS] * 5
    assert found["elapsed_s"] == pytest.approx(5 * 0.01 + 0.002)


def test_what_a_late_call_missed_is_not_made_up_for_in_a_burst(clock: Clock) -> None:
    found = worker.measure(clock.taking(35 * MS, 2 * MS), 10, 0, rate=100)
    assert found["latency_ns"] == [35 * MS] + [2 * MS] * 9
    assert found["elapsed_s"] == pytest.approx(0.01 + 0.035 + 8 * 0.01 + 0.002)


def test_the_real_clock_agrees() -> None:
    calls = []
    found = worker.measure(lambda: calls.append(0), 100, 0.02, None)
    assert len(found["latency_ns"]) == len(calls) >= 100
    assert found["elapsed_s"] >= 0.02
    assert sum(found["latency_ns"]) <= found["elapsed_s"] * 1e9
    found = worker.measure(lambda: None, 1, 0.05, rate=200)
    assert 1 <= len(found["latency_ns"]) <= 10
    assert found["elapsed_s"] >= 0.05


def test_no_garbage_is_collected_while_measuring() -> None:
    seen = []
    worker.measure(lambda: seen.append(gc.isenabled()), 3, 0, None)
    assert seen == [False] * 3
    assert gc.isenabled()


def test_garbage_is_collected_again_after_a_call_that_fails() -> None:
    with pytest.raises(ZeroDivisionError):
        worker.measure(lambda: 1 / 0, 3, 0, None)
    assert gc.isenabled()


def test_warm_up_ends_when_times_are_steady(clock: Clock) -> None:
    assert worker.warm_up(clock.taking(MS))["stable"] is True
    assert clock.monotonic() < 0.2


def test_warm_up_waits_until_times_settle(clock: Clock) -> None:
    falling = [round(9 * MS * 0.97**i) for i in range(150)]
    assert worker.warm_up(clock.taking(*falling, MS // 10))["stable"] is True
    assert clock.monotonic() > sum(falling) / 1e9


def test_warm_up_gives_up_on_times_that_never_settle(clock: Clock) -> None:
    rising = [round(10_000 * 1.01**i) for i in range(2_000)]
    assert worker.warm_up(clock.taking(*rising))["stable"] is False
    assert 5 <= clock.monotonic() < 20


def test_one_slow_call_of_many_does_not_unsettle_a_warm_up(clock: Clock) -> None:
    durations = ([MS] * 20 + [40 * MS]) * 20
    assert worker.warm_up(clock.taking(*durations))["stable"] is True


# --- differences ---


def array(*values: object, dtype: object = np.float32) -> np.ndarray:
    return np.array(values, dtype)


@pytest.mark.parametrize(
    ("found", "expected", "error"),
    [
        (array(1, 2), array(1, 2), 0),
        (array(1.5, 2), array(1, 2), 0.25),
        (array(0.25), array(0), 250_000),
        (array(0.1, 0.3), array(0.1, 0.2), 0.5),
        (array(1100.0), array(1000.0), 0.1),
        (array(0, -1000.0), array(100.0, -1000.0), 0.1),
        (array(1, NAN), array(1, NAN), 0),
        (array(1.5, NAN), array(1, NAN), 0.5),
        (array(1, NAN), array(1, 2), INF),
        (array(1, 2), array(1, NAN), INF),
        (array(5, NAN), array(1, 2), INF),
        (array(INF, -INF), array(INF, -INF), 0),
        (array(INF), array(-INF), INF),
        (array(INF), array(1), INF),
        (array(1), array(INF), INF),
        (array(INF, 3), array(INF, 2), 0.5),
        (array(1, 2), array(1, 2, 3), INF),
        (array(1, 2), array([1, 2]), INF),
        (array(1), np.float32(1), INF),
        (array(), array(), 0),
        (np.zeros((0, 3)), np.zeros((0, 4)), INF),
        (np.array(2.0), np.array(1.0), 1),
        (array(3, dtype=np.int64), array(3, dtype=np.int64), 0),
        (array(3, dtype=np.int64), array(4, dtype=np.int64), 0.25),
        (array(0, dtype=np.uint8), array(255, dtype=np.uint8), 1),
        (array(True, False, dtype=bool), array(True, False, dtype=bool), 0),
        (array(True, True, dtype=bool), array(True, False, dtype=bool), 1),
        (array("a", "b", dtype=str), array("a", "b", dtype=str), 0),
        (array("a", "c", dtype=str), array("a", "b", dtype=str), INF),
        (array("a", "b", dtype=object), array("a", "b", dtype=str), 0),
        (array(1, 2, dtype=np.float16), array(1, 2, dtype=np.float32), 0),
        (array(6e4, dtype=np.float16), array(-6e4, dtype=np.float16), 2),
        ([1.0, 2.0], array(1, 2), INF),
    ],
)
def test_differences_count_in_units_of_the_largest_expected_value(
    found: object, expected: np.ndarray, error: float
) -> None:
    result = worker.difference({"y": found}, {"y": expected})
    assert result == {"output": "y", "max_error": pytest.approx(error)}


def test_the_output_with_the_largest_difference_is_named() -> None:
    found = {"a": array(1), "b": array(1.5), "c": array(1.2), "more": array(9)}
    assert worker.difference(found, {name: array(1) for name in "abc"}) == {
        "output": "b",
        "max_error": 0.5,
    }


def test_an_output_that_is_missing_differs_without_bounds() -> None:
    assert worker.difference({}, {"y": array(1)}) == {"output": "y", "max_error": INF}


def test_no_outputs_do_not_differ() -> None:
    assert worker.difference({}, {}) == {"output": None, "max_error": 0.0}


# --- inputs that are made up ---


# --- this machine ---


def test_memory_is_that_of_a_process_with_numpy() -> None:
    found = worker.memory()
    assert found["steady"] is not None
    assert found["peak"] is not None
    assert 10 < found["steady"] <= found["peak"] < 100_000


@pytest.mark.parametrize("status", [None, "Name:\tpython\n", "VmSize:\t 99 kB\nVmRSS:\t 1000 kB\n"])
def test_memory_that_the_system_does_not_tell_is_unknown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, status: str | None
) -> None:
    if status is not None:
        (tmp_path / "status").write_text(status)
    monkeypatch.setattr(worker, "Path", lambda _: tmp_path / "status")
    found = worker.memory()
    assert found["steady"] is None
    assert found["peak"] is not None
    assert found["peak"] > 10


def test_the_ceiling_is_that_of_a_computer() -> None:
    assert 1e6 < worker.ceiling(0.01, size=64)["flop_per_s"] < 1e15


# --- onnxruntime ---


def test_a_session_runs_on_so_many_threads_that_do_not_spin() -> None:
    session = worker.open_session(PACKAGED.read_bytes(), CPU, 2)
    options = session.get_session_options()
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (2, 1)
    for name in ("session.intra_op.allow_spinning", "session.inter_op.allow_spinning"):
        assert options.get_session_config_entry(name) == "0"
    assert session.get_providers() == [CPU]


def test_placement_counts_the_nodes_of_who_runs_them(tmp_path: Path) -> None:
    path = tiny.absolute(tmp_path / "two.onnx", ["n", 3], ["n", 4])
    session = worker.open_session(path.read_bytes(), CPU, 1)
    assert worker.placement(session) == {CPU: 2}


def test_nodes_that_a_provider_leaves_to_the_cpu_are_the_cpus() -> None:
    session = worker.open_session(PACKAGED.read_bytes(), worker.AZURE, 1)
    assert set(worker.placement(session)) == {CPU}


@pytest.mark.parametrize("provider", ["CUDAExecutionProvider", "NoSuchExecutionProvider"])
@pytest.mark.parametrize("device", [None, "GPU"])
def test_no_other_provider_takes_the_place_of_one_that_is_not_there(
    provider: str, device: str | None
) -> None:
    with pytest.raises(Exception, match="OrtEpDevice"):
        worker.open_session(PACKAGED.read_bytes(), provider, 1, device)


# --- the process ---


def test_it_says_what_its_python_has(process: Process) -> None:
    found = process.ask("look")
    assert found["python"] == ".".join(map(str, sys.version_info[:3]))
    assert found["numpy"] == np.__version__
    assert found["onnxruntime"] == ort.__version__
    assert found["available"] == ort.get_available_providers()
    assert found["known"] == ort.get_all_providers()
    assert (found["plugins"], found["devices"]) == ([], [])


def opened(process: Process, model: Path, folder: Path, **inputs: np.ndarray) -> dict[str, Any]:
    found = process.ask("open", model=str(model), provider=CPU, threads=1)
    worker.save(folder / "inputs.npz", inputs)
    return found | process.ask("feed", path=str(folder / "inputs.npz"))


def test_a_row_is_measured_from_its_model_to_its_memory(process: Process, tmp_path: Path) -> None:
    names = ["probabilities"]
    found = process.ask("open", model=str(PACKAGED), provider=CPU, threads=1, outputs=names)
    assert found["placement"].keys() == {CPU}
    assert found["inputs"] == [["image", "tensor(float)", ["batch", 1, 32, 32]]]
    assert found["outputs"][:2] == ["logits", "probabilities"]
    assert found["load_ms"] > 0
    assert found["empty_mb"] > 10

    glyphs = np.random.default_rng(0).random((4, 1, 32, 32), np.float32)
    path, outputs = tmp_path / "inputs.npz", tmp_path / "outputs.npz"
    worker.save(path, {"image": glyphs})
    fed = process.ask("feed", path=str(path))
    assert fed["calls"] == ["plain", "bound", "taps"]
    assert fed["first_us"] > 0
    process.ask("save_outputs", path=str(outputs))
    checked = process.ask("check", inputs=str(path), expected=str(outputs))
    assert checked["max_error"] == 0
    for call in fed["calls"]:
        assert process.ask("warm_up", call=call)["stable"] in (True, False)
        times = process.ask("measure", call=call, queries=20, seconds=0, rate=None)
        assert len(times["latency_ns"]) == 20

    with np.load(outputs) as kept:
        labels = kept["probabilities"].argmax(1)
    labels[0] = (labels[0] + 1) % 10
    np.savez(tmp_path / "data.npz", images=glyphs, glyphs=glyphs, labels=labels)
    for batch in (1, 3, 4, 9):
        data = str(tmp_path / "data.npz")
        assert process.ask("accuracy", path=data, batch=batch)["accuracy"] == 0.75
    found = process.ask("memory")
    assert found["steady"] > 10


def test_outputs_that_differ_are_found(process: Process, tmp_path: Path) -> None:
    model = tiny.absolute(tmp_path / "model.onnx", ["n"], ["n"])
    opened(process, model, tmp_path, x0=array(-1, 2), x1=array(3))
    worker.save(tmp_path / "expected.npz", {"y0": array(1, 2), "y1": array(4)})
    files = {name: str(tmp_path / f"{name}.npz") for name in ("inputs", "expected")}
    assert process.ask("check", **files) == {"output": "y1", "max_error": 0.25}
    assert process.ask("check", **files, names=["y0"])["max_error"] == 0
    worker.save(tmp_path / "inputs.npz", {"x0": array(1, -2), "x1": array(4)})
    assert process.ask("check", **files)["max_error"] == 0


def test_an_error_is_one_line_and_the_worker_goes_on(process: Process, tmp_path: Path) -> None:
    with pytest.raises(WorkerError, match=r"FileNotFoundError: .*missing\.onnx"):
        process.ask("open", model="missing.onnx", provider=CPU, threads=1)
    bad = tmp_path / "bad.onnx"
    bad.write_text("hello\nworld")
    with pytest.raises(WorkerError, match="protobuf") as error:
        process.ask("open", model=str(bad), provider=CPU, threads=1)
    assert "\n" not in str(error.value)
    with pytest.raises(WorkerError, match=r"AttributeError: .*do_dance"):
        process.ask("dance")
    with pytest.raises(WorkerError, match="OrtEpDevice"):
        process.ask("open", model=str(PACKAGED), provider="CUDAExecutionProvider", threads=1)
    assert process.ask("open", model=str(PACKAGED), provider=CPU, threads=1)["placement"]


def test_text_that_a_model_gives_can_be_compared(process: Process, tmp_path: Path) -> None:
    model = tiny.save(
        tmp_path / "text.onnx",
        [helper.make_node("Cast", ["x"], ["y"], to=TensorProto.STRING)],
        [tiny.value("x", ["n"])],
        [tiny.value("y", ["n"], TensorProto.STRING)],
    )
    opened(process, model, tmp_path, x=array(1, 25))
    files = {name: str(tmp_path / f"{name}.npz") for name in ("inputs", "expected")}
    process.ask("save_outputs", path=files["expected"])
    assert process.ask("check", **files)["max_error"] == 0
    worker.save(Path(files["expected"]), {"y": array("1", "26", dtype=str)})
    assert process.ask("check", **files)["max_error"] == INF


def test_an_output_that_is_no_tensor_cannot_be_compared(process: Process, tmp_path: Path) -> None:
    model = tiny.save(
        tmp_path / "list.onnx",
        [helper.make_node("SequenceConstruct", ["x", "x"], ["y"])],
        [tiny.value("x", ["n"])],
        [helper.make_tensor_sequence_value_info("y", TensorProto.FLOAT, None)],
    )
    opened(process, model, tmp_path, x=array(1, 2))
    with pytest.raises(WorkerError, match="y is no tensor"):
        process.ask("save_outputs", path=str(tmp_path / "outputs.npz"))
    assert not (tmp_path / "outputs.npz").exists()


@pytest.mark.parametrize(
    "name", ["x", "file", "allow_pickle", "/conv1/Conv:0", "a b", "y.npy", "ü"]
)
def test_arrays_may_have_any_name(tmp_path: Path, name: str) -> None:
    worker.save(tmp_path / "arrays.npz", {name: array(1, 2), "other": array(True, dtype=bool)})
    with np.load(tmp_path / "arrays.npz") as found:
        assert set(found) == {name, "other"}
        assert np.array_equal(found[name], array(1, 2))
        assert found["other"].dtype == bool


def talk(*requests: str) -> subprocess.CompletedProcess[str]:
    text = "".join(request + "\n" for request in requests)
    return subprocess.run(OWN_WORKER, input=text, capture_output=True, text=True, timeout=60)


def test_every_line_of_input_gets_one_line_of_output() -> None:
    requests = [{"do": "memory"}, {"do": "dance"}, {"do": "look"}, {"do": "memory"}]
    done = talk(*map(json.dumps, requests))
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [set(answer) & {"steady", "error", "numpy"} for answer in answers] == [
        {"steady"},
        {"error"},
        {"numpy"},
        {"steady"},
    ]
    assert done.returncode == 0
    assert talk().stdout == ""


def test_what_is_printed_is_no_answer(tmp_path: Path) -> None:
    script = tmp_path / "noisy.py"
    script.write_text("""
import os, subprocess
from digitlens.bench.worker import serve

class Noisy:
    def __init__(self, request):
        print('{"a": "library prints"}', flush=True)
        os.write(1, b"its C code too\\n")
        subprocess.run(["echo", "and", "its", "children"], check=True)

    def describe(self):
        return {"quiet": True}

serve(Noisy)
""")
    with closing(Process([sys.executable, str(script)], tmp_path)) as process:
        for _ in range(3):
            assert process.ask("open")["quiet"] is True


@pytest.mark.parametrize("way", ["the folder is a link", "the file is a link", "neither"])
def test_what_lies_beside_the_file_is_no_library(tmp_path: Path, way: str) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "worker.py").write_bytes(WORKER.read_bytes())
    (folder / "numpy.py").write_text("raise SystemExit('this is not numpy')")
    path = folder / "worker.py"
    if way == "the folder is a link":
        (tmp_path / "link").symlink_to(folder)
        path = tmp_path / "link" / "worker.py"
    elif way == "the file is a link":
        path = tmp_path / "link.py"
        path.symlink_to(folder / "worker.py")
    with closing(Process([sys.executable, str(path)], tmp_path)) as process:
        assert process.ask("look")["numpy"] == np.__version__


def test_a_python_without_numpy_is_told(tmp_path: Path) -> None:
    with closing(Process([sys.executable, "-I", "-S", str(WORKER)], tmp_path)) as process:
        with pytest.raises(WorkerError, match="No module named 'numpy'") as error:
            process.ask("look")
        assert error.value.missing == "numpy"


def test_telemetry_is_off_before_it_imports_onnxruntime() -> None:
    code = f"""
import os, runpy, sys

def tell(event, arguments):
    if event == "import" and arguments[0] == "onnxruntime":
        print(os.environ.get("ORT_DISABLE_TELEMETRY"), file=sys.stderr)

sys.addaudithook(tell)
runpy.run_path({str(WORKER)!r}, run_name="__main__")
"""
    unset = {name: v for name, v in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, input="", capture_output=True, text=True, env=unset)
    assert done.stderr.splitlines()[:1] == ["1"]


# --- the file ---


def test_python_3_10_can_parse_it() -> None:
    ast.parse(WORKER.read_text(), feature_version=(3, 10))


def test_it_imports_numpy_onnxruntime_and_the_standard_library_alone() -> None:
    names = set()
    for node in ast.walk(ast.parse(WORKER.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            names.add(node.module)
    roots = {name.partition(".")[0] for name in names}
    assert roots - set(sys.stdlib_module_names) == {"numpy", "onnxruntime"}


def test_devices_are_named_by_their_kind() -> None:
    device = SimpleNamespace(device=SimpleNamespace(type="OrtHardwareDeviceType.GPU"))
    assert worker._kind(device) == "GPU"
