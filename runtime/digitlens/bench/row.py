"""One row of a benchmark: what was asked for, and what was measured."""

import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from digitlens.bench.latency import Latency, spread
from digitlens.bench.settings import MLPERF_SECONDS, QUERIES

OK, NOT_INSTALLED, NO_DEVICE = "ok", "not installed", "no device"
WRONG_PLACEMENT, WRONG_RESULT, FAILED = "wrong placement", "wrong result", "failed"
NETWORK, PIPELINE, PEER = "network", "pipeline", "peer"

PLAIN, TAPS, BOUND = "plain", "taps", "bound"
"""Ways to call a row: as the reading of digits does, with all taps, with I/O binding."""


@dataclass(frozen=True, slots=True)
class Case:
    """What one row is to measure.

    Attributes:
        kind: `network`, the model alone; `pipeline`, from frame to reading; `peer`, the same
            network in another engine.
        provider: the full name, or the name of a peer.
        device: the kind of device of a plugin provider, else "".
        python: the interpreter of another environment, else "".
        model: the file.
        batch: images a call.
        threads: within one operator.
        pace: calls a second, or None for back to back.
    """

    kind: str
    provider: str
    model: Path
    batch: int = 1
    threads: int = 1
    pace: float | None = None
    device: str = ""
    python: str = ""


@dataclass(slots=True)
class Row:
    """A case and what came of it; a measure that there is not is None.

    Attributes:
        case: what was asked for.
        status: one of `OK` to `FAILED` above.
        reason: why it is not ok, and the way out.
        engine: what ran it, such as `onnxruntime 1.31.1`.
        precision: the type of the model's weights.
        placement: nodes by full name of the provider that ran them.
        max_error: the largest difference from the CPU's outputs, in units of the largest expected
            value.
        accuracy: share of the validation images that are read right.
        load_ms, first_us: opening the model, and the first call.
        memory_mb: `empty` before the model was opened, `steady` after the warm-up, `peak`; in 10⁶
            bytes of the whole process.
        of_limit: share of the floating-point ceiling of as many threads.
        is_stable: whether the times settled in the warm-up.
        latency: of the ways to call it.
    """

    case: Case
    status: str = OK
    reason: str = ""
    engine: str = ""
    precision: str = ""
    placement: dict[str, int] = field(default_factory=dict)
    max_error: float | None = None
    accuracy: float | None = None
    load_ms: float | None = None
    first_us: float | None = None
    memory_mb: dict[str, float | None] = field(default_factory=dict)
    of_limit: float | None = None
    is_stable: bool | None = None
    latency: dict[str, Latency] = field(default_factory=dict)

    @property
    def plain(self) -> Latency | None:
        """The latency of a plain call; None before it was measured."""
        return self.latency.get(PLAIN)

    @property
    def throughput_per_s(self) -> float | None:
        """Images a second, over all rounds."""
        rate = self.calls_per_s
        return rate * self.case.batch if rate else None

    @property
    def calls_per_s(self) -> float | None:
        """Calls a second, over all rounds."""
        return self.plain.queries / self.plain.elapsed_s if self.plain else None

    @property
    def is_late(self) -> bool:
        """Whether the pace that was asked for was missed by more than 5 %."""
        rate, pace = self.calls_per_s, self.case.pace
        return bool(rate and pace and rate < 0.95 * pace)

    @property
    def spread(self) -> float | None:
        """The range of the rounds' medians as a share of their own median."""
        return spread(self.plain.medians()) if self.plain else None

    @property
    def cpu(self) -> float | None:
        """CPU seconds a second: 1 is one core."""
        return self.plain.cpu_s / self.plain.elapsed_s if self.plain else None

    def to_dict(self, *, is_mlperf: bool = False) -> dict[str, Any]:
        """Give what the JSON of `digitlens bench` says of the row; docs/bench.md explains it."""
        case = asdict(self.case) | {"model": str(self.case.model)}
        plain = self.plain
        times = {name: latency.to_dict() for name, latency in self.latency.items()}
        is_single = self.case.batch == 1 and self.case.pace is None
        is_long = plain and plain.elapsed_s >= MLPERF_SECONDS and plain.queries >= QUERIES
        return {
            **{name: value for name, value in case.items() if name not in ("device", "python")},
            "device": self.case.device or None,
            "python": self.case.python or None,
            "engine": self.engine or None,
            "precision": self.precision or None,
            "status": self.status,
            "reason": self.reason or None,
            "placement": self.placement,
            "max_error": _number(self.max_error, 12),
            "accuracy": _number(self.accuracy, 6),
            "latency_us": times.get(PLAIN),
            "taps_latency_us": times.get(TAPS),
            "bound_latency_us": times.get(BOUND),
            "mlperf_single_stream_p90_us": (
                times[PLAIN]["p90"] if is_mlperf and is_single and is_long else None
            ),
            "queries": plain.queries if plain else 0,
            "rounds_p50_us": plain.medians() if plain else [],
            "spread": _number(self.spread, 4),
            "stable": self.is_stable,
            "throughput_per_s": _number(self.throughput_per_s, 2),
            "cpu_s_per_s": _number(self.cpu, 4),
            "of_limit": _number(self.of_limit, 6),
            "load_ms": _number(self.load_ms, 3),
            "first_us": _number(self.first_us, 3),
            "memory_mb": {name: _number(value, 1) for name, value in self.memory_mb.items()},
        }


def _number(value: float | None, digits: int) -> float | None:
    """Round; JSON has no infinity."""
    return None if value is None or not math.isfinite(value) else round(value, digits)
