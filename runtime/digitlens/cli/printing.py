"""Readings on standard output."""

import csv
import io
import json
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from digitlens.text import error_line, one_line

if TYPE_CHECKING:
    from digitlens.reading import Reading

COLUMNS = ("source", "width", "height", "text", "labels", "confidences", "elapsed_ms", "error")
LIVE_COLUMNS = ("source", "frame", "time", "age_ms", *COLUMNS[1:])
"""What CSV has of a reading, and of one frame of a video or a camera."""

Printer = Callable[[str, "Reading | Exception"], None]
"""Prints what was read in a source, or why nothing was."""


def _table() -> Printer:
    def print_row(source: str, result: "Reading | Exception") -> None:
        if isinstance(result, Exception):
            named = ": ".join(filter(None, (source, _reason(source, result))))
            click.echo(error_line(named), err=True)
            return
        text = result.text.replace("\n", " / ") or "(no digits)"
        confidences = " ".join(f"{digit.confidence:.1%}" for digit in result.digits)
        click.echo(f"{one_line(source)}  {text}  {confidences}".rstrip())

    return print_row


def _live_table() -> Printer:
    print_row = _table()

    def print_timed(source: str, result: "Reading | Exception") -> None:
        time = getattr(result, "time", None)
        print_row(source if time is None else f"{source}  {time:8.2f} s", result)

    return print_timed


def _json() -> Printer:
    def print_line(source: str, result: "Reading | Exception") -> None:
        fields = (
            {"error": _reason(source, result)}
            if isinstance(result, Exception)
            else result.to_dict()
        )
        click.echo(json.dumps({"source": source} | fields))

    return print_line


def _csv(columns: tuple[str, ...] = COLUMNS) -> Printer:
    output = sys.stdout or io.StringIO()  # standard output may be closed
    writer = csv.DictWriter(output, columns, lineterminator="\n")
    writer.writeheader()

    def print_row(source: str, result: "Reading | Exception") -> None:
        if isinstance(result, Exception):
            writer.writerow({"source": source, "error": _reason(source, result)})
        else:
            row = {"source": source, **result.to_dict()}
            digits = row.pop("digits")
            row["labels"] = " ".join(str(digit["label"]) for digit in digits)
            row["confidences"] = " ".join(str(digit["confidence"]) for digit in digits)
            writer.writerow(row)
        output.flush()

    return print_row


def _reason(source: str, error: Exception) -> str:
    """Give what is wrong, without the name of the source, which may have been written otherwise."""
    return str(error).removeprefix(f"{source}: ").removeprefix(f"{Path(source)}: ")


PRINTERS: Mapping[str, Callable[[], Printer]] = {"table": _table, "json": _json, "csv": _csv}
LIVE_PRINTERS: Mapping[str, Callable[[], Printer]] = {
    "table": _live_table,
    "json": _json,
    "csv": partial(_csv, LIVE_COLUMNS),
}
