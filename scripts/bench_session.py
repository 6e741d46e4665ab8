"""What a call of digitlens's Session costs beyond onnxruntime's own.

    python scripts/bench_session.py

Both run the packaged model on one glyph, in turns of a few calls, in one process and on the same
onnxruntime session, for the probabilities alone and for all outputs.
"""

import time
from collections.abc import Callable

import click
import numpy as np
from numpy.typing import NDArray

from digitlens.contract import IMAGE, PROBABILITIES
from digitlens.session import Session

TURNS, CALLS = 2000, 10


def microseconds(calls: dict[str, Callable[[], object]]) -> dict[str, NDArray[np.float64]]:
    """Time calls in turns: for each, the mean of every turn in µs."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(TURNS):
        for name, call in calls.items():
            start = time.perf_counter_ns()
            for _ in range(CALLS):
                call()
            times[name].append((time.perf_counter_ns() - start) / CALLS / 1000)
    return {name: np.array(each) for name, each in times.items()}


@click.command(help=__doc__)
def main() -> None:
    """Measure and print."""
    session = Session()
    bare = session._session  # the very same session, so that only the way to it differs
    glyphs = np.random.default_rng(0).random((1, 32, 32), np.float32)
    image = glyphs[:, np.newaxis]
    for label, names in (("probabilities", [PROBABILITIES]), ("all outputs", None)):
        times = microseconds(
            {
                "onnxruntime": lambda names=names: bare.run(names, {IMAGE: image}),
                "Session": lambda names=names: session.run(glyphs, names),
            }
        )
        overhead = np.median(times["Session"] - times["onnxruntime"])
        medians = ", ".join(f"{name} {np.median(each):.2f}" for name, each in times.items())
        click.echo(f"{label}: {medians} µs a call, overhead {overhead:.2f} µs")


if __name__ == "__main__":
    main()
