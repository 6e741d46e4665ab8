"""What a benchmark is asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from digitlens import model_file

BATCHES = (1, 8, 32, 128)
CAMERA_PACE = 30.0
"""Frames a second of most cameras."""

QUERIES, SECONDS = 1024, 2.0
"""Least number and least time of measured calls.

MLPerf Inference asks for 1,024 queries of its single-stream scenario (Reddi and others, 2020).
"""
MLPERF_SECONDS = 60.0
TOLERANCE = 1e-3
"""Of an output's largest value; TF32 and other shortened products of GPUs stay below it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What is measured, and how long.

    Attributes:
        models: ONNX files, with a contract or without.
        providers: short or full names; none for all that are here.
        environments: interpreters whose onnxruntime is measured besides this one's.
        batches: images a call.
        threads: within one operator.
        paces: calls a second, None for back to back; none for both of these at a batch of one, and
            back to back at all others.
        dims: sizes of symbolic dimensions, by name.
        has_network, has_pipeline, has_peers: which kinds of rows there are.
        run: the run folder that the PyTorch peer loads, or None for the one beside the model.
        data: a folder with MNIST's files for the accuracy, see `digitlens.mnist.validation`.
        images: of the data, the first so many count; None for all.
        queries, seconds: at least so many calls, and so long, in all rounds.
        tolerance: the largest difference from the CPU's outputs that is right.
        timeout: seconds without an answer after which a worker counts as hanging.
        is_mlperf: report the single-stream figure of MLPerf.
    """

    models: tuple[Path, ...] = (model_file.PACKAGED,)
    providers: tuple[str, ...] = ()
    environments: tuple[Path, ...] = ()
    batches: tuple[int, ...] = BATCHES
    threads: tuple[int, ...] = (1,)
    paces: tuple[float | None, ...] = ()
    dims: Mapping[str, int] = field(default_factory=dict)
    has_network: bool = True
    has_pipeline: bool = True
    has_peers: bool = False
    run: Path | None = None
    data: Path | None = None
    images: int | None = None
    queries: int = QUERIES
    seconds: float = SECONDS
    tolerance: float = TOLERANCE
    timeout: float = 60.0
    is_mlperf: bool = False


QUICK = {"queries": 64, "seconds": 0.25, "batches": (1, 32), "images": 1000}
"""Settings that differ in `digitlens bench --quick`."""
