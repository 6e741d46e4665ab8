"""Rows and reports of a benchmark as if they had been measured."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from digitlens.bench.latency import Latency
from digitlens.bench.report import Report
from digitlens.bench.row import BOUND, NETWORK, PLAIN, TAPS, Case, Row

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
MODEL = Path("models/lenet5.onnx")
EVEN = (100.0, 101.0, 102.0, 103.0, 104.0)


def latency(rounds: Sequence[float], cpu: float = 1.0) -> Latency:
    """Give three calls a round that took so many µs each, with `cpu` cores busy."""
    found = Latency()
    for us in rounds:
        elapsed = 3 * us / 1e6
        found.add([round(1000 * us)] * 3, elapsed, cpu * elapsed)
    return found


def row(
    rounds: Sequence[float] = EVEN,
    *,
    kind: str = NETWORK,
    provider: str = CPU,
    model: Path = MODEL,
    cpu: float = 1.0,
    placement: dict[str, int] | None = None,
    **case: Any,
) -> Row:
    found = Row(Case(kind, provider, model, **case), engine="onnxruntime 1.31.1")
    found.precision, found.placement = "float32", placement or {provider: 17}
    found.max_error, found.accuracy, found.is_stable = 1e-7, 0.9931, True
    found.load_ms, found.first_us, found.of_limit = 12.3456, 456.789, 0.031
    found.memory_mb = {"empty": 50.0, "steady": 64.2, "peak": 71.9}
    found.latency[PLAIN] = latency(rounds, cpu)
    if not case.get("pace"):
        found.latency |= {name: latency(rounds, cpu) for name in (TAPS, BOUND)}
    return found


def failed(status: str, reason: str, *, kind: str = NETWORK, provider: str = CUDA, **case: Any):
    return Row(Case(kind, provider, case.pop("model", MODEL), **case), status, reason)


def report(
    *rows: Row,
    interpreters: Sequence[str | None] = (None,),
    models: Sequence[Path] = (MODEL,),
    is_mlperf: bool = False,
) -> Report:
    environment = {
        "processor": "Some Processor",
        "usable_cores": 2,
        "system": "Linux 6.1",
        "ceiling_flop_per_s": {"1": 9.87e10},
        "interpreters": [
            {"path": path, "error": None, "onnxruntime": "1.31.1"} for path in interpreters
        ],
        "models": [
            {"file": str(path), "precision": "float32", "bytes": 248_000, "sha256": "ab" * 32}
            for path in models
        ],
        "settings": {"is_mlperf": is_mlperf},
    }
    return Report(environment, list(rows))
