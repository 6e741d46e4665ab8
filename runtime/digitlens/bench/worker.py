"""The process that one row of a benchmark is measured in.

This file runs by its path in any Python from 3.10 on that has numpy and onnxruntime, and imports
nothing else, so that several builds of onnxruntime, which cannot be installed together, can be set
side by side. It reads requests, one JSON object a line, from standard input and answers each with
one line; what libraries print goes to standard error. `digitlens.session` opens its sessions by
the same function as the benchmark.
"""

import array
import gc
import importlib
import json
import os
import pkgutil
import platform
import queue
import sys
import threading
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

if __name__ == "__main__":
    # Our own modules beside this file must not be taken for libraries of the same name.
    here = Path(__file__).resolve().parent
    sys.path[:] = [path for path in sys.path if Path(path or ".").resolve() != here]
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read on import

try:
    import numpy as np
    import onnxruntime as ort
except ImportError as missing:
    if __name__ != "__main__":
        raise
    sys.stdout.write(json.dumps({"error": str(missing), "missing": missing.name}) + "\n")
    sys.exit(1)

CPU = "CPUExecutionProvider"
AZURE = "AzureExecutionProvider"
"""Forwards whole models to a service; runs no node."""

OPENVINO = "OpenVINOExecutionProvider"

BUILT_IN: list[str] = ort.get_available_providers()
"""Providers of this build. A registered plugin is listed as well, but opened so it runs no node."""

PLUGIN_PREFIX = "onnxruntime-ep-"
"""How the packages of plugin providers are named; their modules have underscores."""

OPTIONS = {
    "session.intra_op.allow_spinning": "0",  # spinning takes a whole core between frames
    "session.inter_op.allow_spinning": "0",
    "session.record_ep_graph_assignment_info": "1",
}
_THREAD_OPTIONS = {
    OPENVINO: "num_of_threads",
    "XnnpackExecutionProvider": "intra_op_num_threads",
}
"""Providers with threads of their own, and how their number is set."""

TYPES = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(int8)": np.int8,
    "tensor(int16)": np.int16,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
    "tensor(uint8)": np.uint8,
    "tensor(uint16)": np.uint16,
    "tensor(uint32)": np.uint32,
    "tensor(uint64)": np.uint64,
    "tensor(bool)": np.bool_,
}
"""Tensors that numpy has too."""

# Warm-up: windows of queries, until the medians of three in a row agree.
_WINDOW_S, WINDOW_QUERIES, _WINDOWS, _AGREE = 0.05, 16, 3, 0.03
WARM_UP_LIMIT_S = 5.0

_TINY = 1e-6
"""Outputs whose largest value is below this are compared as if it were this."""

_LAST_ANSWER_S = 2.0
"""How long a request may take on when nobody waits for its answer any more."""

Answer = dict[str, Any]


# --- onnxruntime ---------------------------------------------------------------------------------


def open_session(
    model: bytes, provider: str, threads: int, device: str | None = None
) -> ort.InferenceSession:
    """Open a model on one provider, with its inner threads not spinning between two runs.

    Args:
        model: an ONNX file's bytes.
        provider: its full name; built in, or of an installed plugin that offers a device.
        threads: within one operator.
        device: the kind of device, `CPU`, `GPU` or `NPU`, of a plugin provider that has several.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    for name, value in OPTIONS.items():
        options.add_session_config_entry(name, value)
    settings = {_THREAD_OPTIONS[provider]: str(threads)} if provider in _THREAD_OPTIONS else {}
    if provider in BUILT_IN:
        # Without this, onnxruntime would go on with the CPU where the provider cannot start.
        return ort.InferenceSession(
            model, options, providers=[(provider, settings)], enable_fallback=0
        )
    chosen = [
        d for d in plugin_devices() if d.ep_name == provider and _kind(d) == (device or _kind(d))
    ]
    if provider == OPENVINO and chosen:
        settings = {"load_config": _openvino_config(_kind(chosen[0]), threads)}
    options.add_provider_for_devices(chosen[:1], settings)
    return ort.InferenceSession(model, options, enable_fallback=0)


def _openvino_config(kind: str, threads: int) -> str:
    """Return OpenVINO's own settings of a device, as its plugin reads them.

    Without the hint it computes in bfloat16 or float16 where the device can, which changes what the
    layers give by up to 0.02.
    """
    config: dict[str, str] = {"EXECUTION_MODE_HINT": "ACCURACY"}
    if kind == "CPU":
        config["INFERENCE_NUM_THREADS"] = str(threads)
    return json.dumps({kind: config})


def placement(session: ort.InferenceSession) -> dict[str, int]:
    """Count the nodes by the full name of the provider that really runs them."""
    counts: Counter[str] = Counter()
    for subgraph in session.get_provider_graph_assignment_info():
        counts[subgraph.ep_name] += len(subgraph.get_nodes())
    return dict(counts)


def plugin_devices() -> list[Any]:
    """Register the installed plugin providers, and list the devices that they offer."""
    names = {name for plugin in plugins() for name in plugin["providers"]}
    return [device for device in ort.get_ep_devices() if device.ep_name in names]


def plugins() -> list[dict[str, Any]]:
    """Register the installed plugin providers.

    Returns:
        For each its `package`, the full names of its `providers`, and `error`, why it could not be
        registered, or None.
    """
    for module in pkgutil.iter_modules():
        package = module.name.replace("_", "-")
        if package.startswith(PLUGIN_PREFIX) and package not in _PLUGINS:
            _PLUGINS[package] = _register(package)
    return list(_PLUGINS.values())


_PLUGINS: dict[str, dict[str, Any]] = {}
"""By package, what `plugins` gives; a library can be registered once."""


def _register(package: str) -> dict[str, Any]:
    name, providers, error = package.replace("-", "_"), [], None
    try:
        module = importlib.import_module(name)
        providers = list(module.get_ep_names())
        ort.register_execution_provider_library(name, module.get_library_path())
    # A package by others, and a library loaded by onnxruntime: anything may be raised.
    except Exception as reason:
        error = _reason(reason)
    return {"package": package, "providers": providers, "error": error}


def _kind(device: Any) -> str:  # noqa: ANN401
    return str(device.device.type).rpartition(".")[2]


def _reason(error: Exception) -> str:
    """Put an error into one line; those of Python itself say little without their name."""
    text = " ".join(str(error).split())
    is_plain = type(error).__module__ == "builtins" or not text
    return f"{type(error).__name__}: {text}" if is_plain else text


# --- what is measured ----------------------------------------------------------------------------


class Subject(Protocol):
    """Something whose calls are measured."""

    def describe(self) -> Answer:
        """Say what there is to know before the first call."""

    def feed(self, arrays: "dict[str, Any]") -> None:
        """Take the input of every call, by name."""

    def calls(self) -> "dict[str, Callable[[], object]]":
        """Give the ways to call it: `plain`, perhaps `taps` and `bound`."""

    def outputs(self) -> "dict[str, Any]":
        """Give what comes out for the input, by name."""

    def labels(self, data: "dict[str, Any]", batch: int) -> Any:  # noqa: ANN401
        """Classify `images`, uint8 `[n, 28, 28]`, or their `glyphs` in batches: labels `[n]`."""


class Network:
    """A model in onnxruntime.

    The request has `model` (a path), `provider`, `device`, `threads`, and `outputs`: the names
    that `plain` computes, or None for all.
    """

    def __init__(self, request: Answer) -> None:
        model = Path(request["model"]).read_bytes()
        self._session = open_session(
            model, request["provider"], request["threads"], request.get("device")
        )
        self._names = request.get("outputs")
        self._all = [output.name for output in self._session.get_outputs()]
        # onnxruntime crashes where text that was bound is fetched.
        values = [*self._session.get_inputs(), *self._session.get_outputs()]
        self._can_bind = all(value.type in TYPES for value in values)
        self._inputs: dict[str, Any] = {}

    def describe(self) -> Answer:
        """Give the placement, or None where this onnxruntime does not record it; and the inputs."""
        recorded = hasattr(self._session, "get_provider_graph_assignment_info")
        return {
            "placement": placement(self._session) if recorded else None,
            "inputs": [[v.name, v.type, v.shape] for v in self._session.get_inputs()],
            "outputs": self._all,
            "metadata": self._session.get_modelmeta().custom_metadata_map,
        }

    def feed(self, arrays: dict[str, Any]) -> None:
        """Take the input of every call, by name."""
        self._inputs = arrays

    def calls(self) -> dict[str, Callable[[], object]]:
        """Give `plain`, `bound` (with I/O binding), and `taps` (with all outputs)."""
        run, names, inputs = self._session.run, self._names, self._inputs
        calls: dict[str, Callable[[], object]] = {"plain": lambda: run(names, inputs)}
        if self._can_bind:
            binding, run_bound = self._bind(), self._session.run_with_iobinding
            calls["bound"] = lambda: run_bound(binding)
        return calls | ({"taps": lambda: run(None, inputs)} if names else {})

    def outputs(self) -> dict[str, Any]:
        """Give all outputs for the input, by name."""
        return dict(zip(self._all, self._session.run(None, self._inputs), strict=True))

    def bound_outputs(self) -> dict[str, Any]:
        """Give what the call `bound` computes, by name; nothing where there is none."""
        if not self._can_bind:
            return {}
        binding = self._bind()
        self._session.run_with_iobinding(binding)
        return dict(zip(self._names or self._all, binding.copy_outputs_to_cpu(), strict=True))

    def _bind(self) -> ort.IOBinding:
        binding = self._session.io_binding()
        for name, value in self._inputs.items():
            binding.bind_cpu_input(name, value)
        for name in self._names or self._all:
            binding.bind_output(name)
        return binding

    def labels(self, data: dict[str, Any], batch: int) -> Any:  # noqa: ANN401
        """Classify `glyphs`, float32 `[n, 1, 32, 32]`, in batches: int64 `[n]`."""
        (name,), glyphs = self._inputs, data["glyphs"]
        count = len(glyphs)
        if isinstance(self._session.get_inputs()[0].shape[0], int):  # it takes no smaller rest
            glyphs = np.resize(glyphs, (count + -count % batch, *glyphs.shape[1:]))
        parts = [
            self._session.run(self._names, {name: part})[0].argmax(1)
            for part in np.split(glyphs, range(batch, len(glyphs), batch))
        ]
        return np.concatenate(parts)[:count]


def save(path: Path, arrays: "dict[str, Any]") -> None:
    """Write an .npz file; np.savez has names of its own that a model may use, and pickles text.

    Raises:
        ValueError: one of them is no tensor, but a sequence or a map.
    """
    for name, value in arrays.items():
        if not isinstance(value, np.ndarray):
            raise ValueError(f"{name} is no tensor, and cannot be compared")
    with zipfile.ZipFile(path, "w") as archive:
        for name, value in arrays.items():
            plain = value.astype(str) if value.dtype.kind == "O" else value
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, plain, allow_pickle=False)


# --- measuring -----------------------------------------------------------------------------------


def measure(call: Callable[[], object], queries: int, seconds: float, rate: float | None) -> Answer:
    """Time calls one by one: at least `queries` of them, and for `seconds`.

    Args:
        call: what is timed.
        queries: at least so many.
        seconds: at least so long.
        rate: calls a second, or None for back to back.

    Returns:
        `latency_ns`, one whole number a call; `elapsed_s`; `cpu_s`, of all threads.
    """
    clock, times = time.perf_counter_ns, array.array("q")
    period = int(1e9 / rate) if rate else 0
    cpu, begin = time.process_time(), clock()
    due, end = begin, begin + int(seconds * 1e9)
    gc.disable()
    try:
        while len(times) < queries or clock() < end:
            if period:
                due = max(due + period, clock())  # what was missed is not made up for in a burst
                time.sleep(max(due - clock(), 0) / 1e9)
            start = clock()
            call()
            times.append(clock() - start)
    finally:
        gc.enable()
    return {
        "latency_ns": times.tolist(),
        "elapsed_s": (clock() - begin) / 1e9,
        "cpu_s": time.process_time() - cpu,
    }


def warm_up(call: Callable[[], object]) -> Answer:
    """Call until the medians of three windows in a row agree within 3 %, for 5 s at most.

    Returns:
        `stable`, whether they do; `median_us`, that of the last window.
    """
    end = time.monotonic() + WARM_UP_LIMIT_S
    medians: list[float] = []
    while time.monotonic() < end:
        window = measure(call, WINDOW_QUERIES, _WINDOW_S, None)["latency_ns"]
        medians = [*medians[1 - _WINDOWS :], float(np.median(window))]
        if len(medians) == _WINDOWS and max(medians) <= min(medians) * (1 + _AGREE):
            return {"stable": True, "median_us": medians[-1] / 1000}
    return {"stable": False, "median_us": medians[-1] / 1000}


def difference(found: "dict[str, Any]", expected: "dict[str, Any]") -> Answer:
    """Compare outputs: the largest difference, in units of the largest expected value.

    Returns:
        `max_error`, infinite where a shape, a kind of value or a not-a-number differs, and the
        `output` that has it.
    """
    errors = {name: _error(found.get(name), value) for name, value in expected.items()}
    worst = max(errors, key=lambda name: errors[name], default=None)
    return {"output": worst, "max_error": errors[worst] if worst is not None else 0.0}


def _error(found: Any, expected: Any) -> float:  # noqa: ANN401
    if not isinstance(found, np.ndarray) or found.shape != expected.shape:
        return float("inf")
    if expected.dtype.kind not in "fiub":
        return 0.0 if np.array_equal(found, expected) else float("inf")
    a, b = found.astype(np.float64), expected.astype(np.float64)
    equal = (a == b) | (np.isnan(a) & np.isnan(b))
    if equal.all():
        return 0.0
    with np.errstate(invalid="ignore"):
        error = np.abs(a - b)[~equal].max()
    finite = np.abs(b[np.isfinite(b)])
    return float("inf") if np.isnan(error) else float(error / max(finite.max(initial=0.0), _TINY))


def memory() -> dict[str, float | None]:
    """Give `steady` and `peak` memory of this process in MB (10⁶ bytes), None where unknown."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        sizes = {line.partition(":")[0]: line.split()[1] for line in lines if line.startswith("Vm")}
        return {"steady": int(sizes["VmRSS"]) / 976.5625, "peak": int(sizes["VmHWM"]) / 976.5625}
    except (OSError, KeyError):  # some containers leave lines out
        pass
    try:
        import resource
    except ImportError:  # Windows
        return {"steady": None, "peak": None}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"steady": None, "peak": peak / (1e6 if sys.platform == "darwin" else 976.5625)}


def ceiling(seconds: float = 0.5, size: int = 1024) -> Answer:
    """Measure the float32 operations a second of a large matrix product in numpy.

    A product of two n×n matrices takes 2n³; the fastest of those that fit into the time counts.
    """
    a = np.random.default_rng(0).random((size, size), np.float32)
    times = measure(lambda: a @ a, 5, seconds, None)["latency_ns"]
    return {"flop_per_s": 2 * size**3 / (min(times) / 1e9)}


# --- requests ------------------------------------------------------------------------------------


class Worker:
    """Answers requests; `make` makes what is measured from the request `open`."""

    def __init__(self, make: Callable[[Answer], Subject]) -> None:
        self._make = make
        self._subject: Subject | None = None
        self._calls: dict[str, Callable[[], object]] = {}

    def answer(self, request: Answer) -> Answer:
        """Do what a request asks for, under the name in `do`."""
        method = getattr(self, "do_" + request.pop("do"))
        result: Answer = method(**request)
        return result

    def do_look(self) -> Answer:
        """Say what this Python has: versions, providers, plugins and devices."""
        installed = plugins()
        return {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "onnxruntime": ort.__version__,
            "build": ort.get_build_info() if hasattr(ort, "get_build_info") else "",
            "known": ort.get_all_providers(),
            "available": BUILT_IN,
            "plugins": installed,
            "devices": [[d.ep_name, _kind(d)] for d in plugin_devices()] if installed else [],
        }

    def do_open(self, **request: Any) -> Answer:  # noqa: ANN401
        """Make what is measured; `load_ms` is what that takes."""
        before, start = memory()["steady"], time.perf_counter()
        self._subject = self._make(request)
        load_ms = 1000 * (time.perf_counter() - start)
        return {"load_ms": load_ms, "empty_mb": before, **self._subject.describe()}

    def do_feed(self, path: str) -> Answer:
        """Take the inputs in an .npz file, and time the first call."""
        self._feed(path)
        self._calls = self._opened.calls()
        start = time.perf_counter_ns()
        self._calls["plain"]()
        return {"first_us": (time.perf_counter_ns() - start) / 1000, "calls": list(self._calls)}

    def do_save_outputs(self, path: str) -> Answer:
        """Write all outputs for the input into an .npz file."""
        save(Path(path), self._opened.outputs())
        return {}

    def do_check(self, inputs: str, expected: str, names: list[str] | None = None) -> Answer:
        """Compare the outputs for inputs, or those of some names, with an .npz file's."""
        self._feed(inputs)
        with np.load(expected) as arrays:
            wanted = {name: arrays[name] for name in names or arrays}
        found = difference(self._opened.outputs(), wanted)
        if isinstance(self._opened, Network):
            outputs = self._opened.bound_outputs()
            bound = difference(outputs, {n: wanted[n] for n in outputs if n in wanted})
            if bound["max_error"] > found["max_error"]:
                return bound | {"output": f"{bound['output']} with I/O binding"}
        return found

    def do_warm_up(self, call: str) -> Answer:
        """Call until the times are stable."""
        return warm_up(self._calls[call])

    def do_measure(self, call: str, queries: int, seconds: float, rate: float | None) -> Answer:
        """Time calls one by one."""
        return measure(self._calls[call], queries, seconds, rate)

    def do_accuracy(self, path: str, batch: int) -> Answer:
        """Classify what is in an .npz file, and give the share that agrees with its `labels`."""
        with np.load(path) as data:
            found = self._opened.labels(data, batch)
            return {"accuracy": float((found == data["labels"]).mean())}

    def do_memory(self) -> Answer:
        """Give steady and peak memory."""
        return memory()

    def do_ceiling(self) -> Answer:
        """Measure the floating-point ceiling."""
        return ceiling()

    def _feed(self, path: str) -> None:
        with np.load(path) as arrays:
            self._opened.feed(dict(arrays))

    @property
    def _opened(self) -> Subject:
        assert self._subject is not None
        return self._subject


def serve(make: Callable[[Answer], Subject]) -> None:
    """Answer requests on standard input; when that ends, end soon, whatever is being done."""
    worker = Worker(make)
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        os.dup2(2, 1)  # what libraries print is no answer
        for request in _requests():
            try:
                answer = worker.answer(request)
            # Whatever goes wrong is the row's to report.
            except Exception as error:
                answer = {"error": _reason(error)}
            answers.write(json.dumps(answer) + "\n")
            answers.flush()
    os._exit(0)  # some providers crash when they are taken down


def _requests() -> Iterator[Answer]:
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=[lines], daemon=True).start()
    while line := lines.get():
        yield json.loads(line)


def _listen(lines: "queue.SimpleQueue[str]") -> None:
    for line in sys.stdin:
        lines.put(line)
    lines.put("")
    time.sleep(_LAST_ANSWER_S)
    os._exit(0)  # who asked is gone


if __name__ == "__main__":
    serve(Network)
