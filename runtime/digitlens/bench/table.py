"""A report as text: a table for the terminal, Markdown, CSV."""

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from digitlens import providers
from digitlens.bench import plan
from digitlens.bench.compare import Change
from digitlens.bench.report import Report, alike
from digitlens.bench.row import BOUND, OK, PEER, PIPELINE, PLAIN, TAPS, Row
from digitlens.text import one_line

Cells = Sequence[Sequence[str]]


class Column(NamedTuple):
    """A title, and what stands below it for a row that was measured."""

    title: str
    cell: Callable[[Row], str]


def _count(value: float | None) -> str:
    """Write a number with three digits or more, and none that says nothing."""
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _share(value: float | None, digits: int = 0) -> str:
    return "" if value is None else f"{value:.{digits}%}"


def _latency(row: Row, call: str, name: str = "p50") -> str:
    latency = row.latency.get(call)
    return _count(latency.to_dict()[name]) if latency else ""


def _threads(count: int) -> str:
    return f"{count} thread{'s' * (count > 1)}"


def _memory(row: Row, name: str) -> str:
    return _count(row.memory_mb.get(name))


def pace(row: Row) -> str:
    """Write a pace: `max` for back to back."""
    return "max" if row.case.pace is None else f"{row.case.pace:g}/s"


SPEED = (
    Column("p50 µs", lambda row: _latency(row, PLAIN)),
    Column("p99 µs", lambda row: _latency(row, PLAIN, "p99")),
    Column("images/s", lambda row: _count(row.throughput_per_s)),
    Column("CPU", lambda row: "" if row.cpu is None else f"{row.cpu:.2f}"),
    Column("spread", lambda row: _share(row.spread)),
    Column("accuracy", lambda row: _share(row.accuracy, 2)),
)
COST = (
    Column("taps µs", lambda row: _latency(row, TAPS)),
    Column("bound µs", lambda row: _latency(row, BOUND)),
    Column("limit", lambda row: _share(row.of_limit, 1)),
    Column("load ms", lambda row: _count(row.load_ms)),
    Column("first µs", lambda row: _count(row.first_us)),
    Column("MB", lambda row: _memory(row, "steady")),
    Column("peak", lambda row: _memory(row, "peak")),
)


def table(report: Report) -> str:
    """Lay a report out for a terminal."""
    parts = ["\n".join(head(report))]
    parts += [_aligned(cells) for cells in _tables(report)]
    return "\n\n".join(part for part in (*parts, "\n".join(notes(report))) if part)


def markdown(report: Report) -> str:
    """Write a report as Markdown."""
    parts = ["  \n".join(head(report))]
    parts += [_as_markdown(cells) for cells in _tables(report)]
    remarks = "\n".join(f"- {note}" for note in notes(report))
    return "\n\n".join(part for part in (*parts, remarks) if part)


def to_csv(report: Report) -> str:
    """Write the rows as CSV; what is nested in the JSON has names such as `latency_us.p50`."""
    flat = [dict(_flat(row)) for row in report.to_dict()["rows"]]
    names = list(dict.fromkeys(name for row in flat for name in row))
    # Where one row lacks what another one nests, its name alone says nothing.
    names = [name for name in names if not any(each.startswith(f"{name}.") for each in names)]
    out = io.StringIO()
    writer = csv.DictWriter(out, names, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat)
    return out.getvalue().rstrip("\n")


def comparison(changes: Sequence[Change], form: str) -> str:
    """Set old and new medians side by side, as Markdown or for a terminal."""
    lines = [["compared", "batch", "threads", "pace", "old µs", "new µs", "ratio", "verdict"]]
    for change in changes:
        row = change.row
        at = "max" if row["pace"] is None else f"{row['pace']:g}/s"
        lines.append(
            [
                _compared_name(row),
                str(row["batch"]),
                str(row["threads"]),
                at,
                _count(change.old_us),
                _count(change.new_us),
                "" if change.ratio is None else f"{change.ratio:.2f}",
                change.verdict + (" (!)" if change.is_regression else ""),
            ]
        )
    return _as_markdown(lines) if form == "markdown" else _aligned(lines)


def _compared_name(row: Mapping[str, Any]) -> str:
    shown = providers.short_name(row["provider"]) + (f":{row['device']}" if row["device"] else "")
    shown += ", reading" * (row["kind"] == PIPELINE)
    return one_line(f"{shown}, {row['python']}" if row["python"] else shown)


def head(report: Report) -> list[str]:
    """Say where and with what was measured."""
    place = report.environment
    lines = [f"{place['processor']}, {place['usable_cores']} cores, {place['system']}"]
    if ceilings := place["ceiling_flop_per_s"]:
        rates = (f"{rate / 1e9:,.0f} on {_threads(int(n))}" for n, rate in ceilings.items())
        lines.append(f"float32 matrix product, GFLOP/s: {', '.join(rates)}")
    if len(place["interpreters"]) > 1:
        for number, found in enumerate(place["interpreters"], 1):
            engine = f"onnxruntime {found['onnxruntime']}" if not found["error"] else "no worker"
            lines.append(f"[{number}] {engine}, {found['path'] or 'this Python'}")
    for model in place["models"]:
        name, size = Path(model["file"]).name, model["bytes"]
        precision = f", {model['precision']}" if model["precision"] else ""
        lines.append(f"{name}{precision}, {size:,} bytes, sha256 {model['sha256'][:12]}")
    return [one_line(line) for line in lines]


def notes(report: Report) -> list[str]:
    """Say what the numbers do not: failures, mixed placement, rows that are alike."""
    found = []
    for row in report.rows:
        if row.status != OK:
            found.append(f"{name(row, report)}: {row.status}: {row.reason}")
        elif len(row.placement) > 1:
            nodes = ", ".join(f"{providers.short_name(p)} {n}" for p, n in row.placement.items())
            found.append(f"{name(row, report)}: nodes ran on {nodes}")
    for group in plan.comparisons(report.rows):
        for pair in alike(group):
            first, second = (_threaded(row, report) for row in pair)
            found.append(f"{work(group[0])}: {first} and {second} cannot be told apart")
    if any(row["mlperf_single_stream_p90_us"] for row in report.to_dict()["rows"]):
        found.append("p90 at batch 1, max: as MLPerf's single-stream scenario; no official result")
    return [one_line(note) for note in dict.fromkeys(found)]


def name(row: Row, report: Report) -> str:
    """Name what ran a row; with its environment and model where there are several."""
    case = row.case
    if case.kind == PEER:
        shown = case.provider
    else:
        shown = providers.short_name(case.provider) or "onnxruntime"
        shown += f":{case.device.lower()}" if case.device else ""
    paths = [each["path"] for each in report.environment["interpreters"]]
    if len(paths) > 1 and case.kind != PEER:
        shown += f" [{paths.index(case.python or None) + 1}]"
    if len(report.environment["models"]) > 1:
        shown += f", {case.model.stem}"
    return one_line(shown)


def work(row: Row) -> str:
    """Name what a row does, apart from who does it."""
    case = row.case
    what = "frame to reading" if case.kind == PIPELINE else f"batch {case.batch}"
    return f"{what}, {pace(row)}"


def _threaded(row: Row, report: Report) -> str:
    return f"{name(row, report)} with {_threads(row.case.threads)}"


def _tables(report: Report) -> list[Cells]:
    networks = [row for row in report.rows if row.case.kind != PIPELINE]
    readers = [row for row in report.rows if row.case.kind == PIPELINE]
    speed = list(SPEED)
    if report.environment["settings"]["is_mlperf"]:
        speed.insert(1, Column("p90 µs", lambda row: _latency(row, PLAIN, "p90")))
    found = [_cells("network", networks, speed, report)] if networks else []
    found += [_cells("frame to reading", readers, speed, report)] if readers else []
    detailed = [row for row in report.rows if row.status == OK and row.case.pace is None]
    return found + ([_cells("cost", detailed, COST, report)] if detailed else [])


def _cells(title: str, rows: Sequence[Row], columns: Sequence[Column], report: Report) -> Cells:
    heads = [title, "batch", "threads", "pace"]
    lines = [[*heads, *(column.title for column in columns)]]
    for row in rows:
        case = row.case
        shown = name(row, report)
        if title == "cost" and case.kind == PIPELINE:
            shown += ", reading"
        start = [shown, str(case.batch), str(case.threads), pace(row)]
        lines.append(start + [column.cell(row) if row.status == OK else "" for column in columns])
    used = [i for i in range(len(lines[0])) if i < 4 or any(line[i] for line in lines[1:])]
    cells = [[line[i] for i in used] for line in lines]
    for row, line in zip(rows, cells[1:], strict=True):
        if row.status != OK:
            line[1:] = [row.status]
    return [line for line, before in zip(cells, [[], *cells], strict=False) if line != before]


def _as_markdown(cells: Cells) -> str:
    first, *others = cells
    others = [[*line, *[""] * (len(first) - len(line))] for line in others]
    lines = [first, ["---"] + ["---:"] * (len(first) - 1), *others]
    escaped = ([cell.replace("|", "\\|") for cell in line] for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in escaped)


def _aligned(cells: Cells) -> str:
    """Align columns; a line of two cells has no numbers, but words for all of them."""
    full = [line for line in cells if len(line) == len(cells[0])]
    widths = [max(map(len, column)) for column in zip(*full, strict=True)]
    widths[0] = max(len(line[0]) for line in cells)
    lines = []
    for line in cells:
        numbers = [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=False)]
        shown = numbers if len(line) == len(widths) else line[1:]
        lines.append("  ".join([line[0].ljust(widths[0]), *shown]).rstrip())
    return "\n".join(lines)


def _flat(row: dict[str, Any]) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for key, value in row.items():
        if key == "placement":
            found.append((key, json.dumps(value)))
        elif isinstance(value, dict):
            found += [(f"{key}.{inner}", each) for inner, each in value.items()]
        elif isinstance(value, list):
            found.append((key, " ".join(map(str, value))))
        else:
            found.append((key, value))
    return found
