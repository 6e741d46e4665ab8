"""A report as text: a table for the terminal, Markdown, CSV."""

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from digitlens import providers
from digitlens.bench.compare import Change
from digitlens.bench.report import Report
from digitlens.bench.row import BOUND, OK, PIPELINE, PLAIN, TAPS, Row
from digitlens.bench.words import failed_name, head, name, notes, pace
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


def _latency(row: Row, call: str, quantile: str = "p50") -> str:
    latency = row.latency.get(call)
    return _count(latency.to_dict()[quantile]) if latency else ""


def _has_tail(row: Row) -> bool:
    """Tell whether a hundred calls or more were measured, so that one in a hundred was."""
    return row.latency[PLAIN].queries >= 100


def _memory(row: Row, name: str) -> str:
    return _count(row.memory_mb.get(name))


SPEED = (
    Column("p50 µs", lambda row: _latency(row, PLAIN)),
    Column("p99 µs", lambda row: _latency(row, PLAIN, "p99") if _has_tail(row) else ""),
    Column("images/s", lambda row: _count(row.throughput_per_s)),
    Column("CPU", lambda row: "" if row.cpu is None else f"{row.cpu:.2f}"),
    Column("spread", lambda row: _share(row.spread)),
    Column("right", lambda row: _share(row.accuracy, 2)),
)
COST = (
    Column("taps µs", lambda row: _latency(row, TAPS)),
    Column("bound", lambda row: _latency(row, BOUND)),
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
    nested = {name.partition(".")[0] for name in names if "." in name}
    names = [name for name in names if name not in nested]  # empty where another row nests
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
        lines.append(
            [
                _compared_name(row),
                str(row["batch"]),
                str(row["threads"]),
                pace(row["pace"]),
                _count(change.old_us),
                _count(change.new_us),
                "" if change.ratio is None else f"{change.ratio:.2f}",
                change.verdict + (" (!)" if change.is_regression else ""),
            ]
        )
    return _as_markdown(lines) if form == "markdown" else _aligned(lines)


def _compared_name(row: Mapping[str, Any]) -> str:
    shown = providers.short_name(row["provider"]) + (
        f":{row['device'].lower()}" if row["device"] else ""
    )
    shown += ", reading" * (row["kind"] == PIPELINE)
    return one_line(f"{shown}, {row['python']}" if row["python"] else shown)


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
    heads = [title, "batch", "thr", "pace"]
    lines = [[*heads, *(column.title for column in columns)]]
    for row in rows:
        case = row.case
        shown = name(row, report)
        if title == "cost" and case.kind == PIPELINE:
            shown += ", reading"
        start = [shown, str(case.batch), str(case.threads), pace(case.pace)]
        lines.append(start + [column.cell(row) if row.status == OK else "" for column in columns])
    kept = 3 if title == "cost" else 4  # it has rows of one pace alone
    used = [
        i
        for i in range(len(lines[0]))
        if i < kept or (i > 3 and any(line[i] for line in lines[1:]))
    ]
    cells = [[line[i] for i in used] for line in lines]
    for row, line in zip(rows, cells[1:], strict=True):
        if row.status != OK:
            is_partial = failed_name(row, report) != name(row, report)
            line[4 if is_partial else 1 :] = [row.status]
    return [line for line, before in zip(cells, [[], *cells], strict=False) if line != before]


def _as_markdown(cells: Cells) -> str:
    first, *others = cells
    others = [[*line, *[""] * (len(first) - len(line))] for line in others]
    lines = [first, ["---"] + ["---:"] * (len(first) - 1), *others]
    escaped = ([cell.replace("|", "\\|") for cell in line] for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in escaped)


def _aligned(cells: Cells) -> str:
    """Align columns; the last cell of a line that is shorter than the others has all the room."""
    full = [line for line in cells if len(line) == len(cells[0])]
    widths = [max(map(len, column)) for column in zip(*full, strict=True)]
    widths[0] = max(len(line[0]) for line in cells)
    lines = []
    for line in cells:
        shown = [cell.rjust(width) for cell, width in zip(line, widths, strict=False)]
        shown[0] = line[0].ljust(widths[0])
        if len(line) < len(widths):
            shown[-1] = line[-1]
        lines.append("  ".join(shown).rstrip())
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
