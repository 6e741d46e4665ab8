"""Pictures of a report: how latencies are distributed, and throughput over batch.

matplotlib is the extra `plot`.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from digitlens.bench import words
from digitlens.bench.report import Report
from digitlens.bench.row import OK, PIPELINE, PLAIN, Row
from digitlens.files import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw(report: Report, path: Path) -> None:
    """Write a PNG file.

    Above, how often calls of every row took how long; below, images a second over the batch.

    Raises:
        ModuleNotFoundError: matplotlib is not installed.
        UsageError: `path` cannot be written.
    """
    from matplotlib.figure import Figure

    rows = [row for row in report.rows if row.status == OK]
    figure = Figure(figsize=(11, 5 + 0.22 * len(rows) + 4), layout="constrained", dpi=110)
    above, below = figure.subplots(2, 1, height_ratios=[5 + 0.22 * len(rows), 4])
    _draw_latency(above, report, rows)
    _draw_throughput(below, report, rows)
    figure.suptitle(_plain("\n".join(words.head(report))), fontsize=9)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png")


def _draw_latency(axes: "Axes", report: Report, rows: list[Row]) -> None:
    colors = _colors(report, rows)
    for position, row in enumerate(rows):
        times = np.concatenate([np.array(each) for each in row.latency[PLAIN].rounds]) / 1000
        edges = np.geomspace(times.min(), max(times.max(), times.min() * 1.001), 160)
        density = np.sqrt(np.histogram(times, edges)[0] / len(times))
        middle = np.sqrt(edges[1:] * edges[:-1])
        height = 0.85 * density / density.max()
        color = colors[words.name(row, report)]
        axes.fill_between(middle, -position, -position + height, color=color, alpha=0.55, lw=0)
        for share, style in ((50, "-"), (99, ":")):
            value = np.percentile(times, share)
            axes.plot([value, value], [-position, -position + 0.85], style, color="black", lw=1)
    axes.set_yticks([-position + 0.3 for position in range(len(rows))])
    axes.set_yticklabels([_plain(_label(row, report)) for row in rows], fontsize=8)
    axes.set_xscale("log")
    axes.set_xlabel("time of a call in µs; line: median, dots: 99 %; area: how often, square root")
    axes.grid(axis="x", which="both", alpha=0.25)
    axes.margins(y=0.02)


def _draw_throughput(axes: "Axes", report: Report, rows: list[Row]) -> None:
    lines: dict[str, list[Row]] = {}
    for row in rows:
        if row.case.pace is None and row.case.kind != PIPELINE:
            key = f"{words.name(row, report)}, threads {row.case.threads}"
            lines.setdefault(key, []).append(row)
    colors = _colors(report, rows)
    styles = ["-", "--", ":", "-."]
    threads = sorted({row.case.threads for row in rows})
    for label, members in lines.items():
        members.sort(key=lambda row: row.case.batch)
        axes.plot(
            [row.case.batch for row in members],
            [row.throughput_per_s or 0 for row in members],
            styles[threads.index(members[0].case.threads) % len(styles)],
            marker="o",
            color=colors[words.name(members[0], report)],
            label=_plain(label),
        )
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    batches = sorted({row.case.batch for row in rows})
    axes.set_xticks(batches, [str(batch) for batch in batches])
    axes.set_xlabel("batch")
    axes.set_ylabel("images a second")
    axes.grid(which="both", alpha=0.25)
    if lines:
        axes.legend(fontsize=8)


def _colors(report: Report, rows: list[Row]) -> dict[str, str]:
    names = dict.fromkeys(words.name(row, report) for row in rows)
    return {name: f"C{index % 10}" for index, name in enumerate(names)}


def _plain(text: str) -> str:
    """Keep a name with dollar signs from being set as a formula."""
    return text.replace("$", r"\$")


def _label(row: Row, report: Report) -> str:
    return f"{words.name(row, report)}, threads {row.case.threads}, {words.work(row)}"
