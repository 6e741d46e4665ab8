"""All rows of a benchmark, and the place where they were measured."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from digitlens.bench.latency import told_apart
from digitlens.bench.row import OK, PLAIN, Row
from digitlens.files import write_text

SCHEMA = 1
"""Version of the JSON, see docs/bench.md; it grows when a field changes its meaning or goes."""


@dataclass(frozen=True, slots=True)
class Report:
    """What `digitlens bench` found.

    Attributes:
        environment: the machine, versions, settings and warnings.
        rows: in the order of the table.
    """

    environment: dict[str, Any]
    rows: list[Row]

    @property
    def ok(self) -> bool:
        """Whether every row was measured and right."""
        return all(row.status == OK for row in self.rows)

    def to_dict(self) -> dict[str, Any]:
        """Give the one object of `--format json`."""
        is_mlperf = bool(self.environment["settings"]["is_mlperf"])
        return {
            "schema": SCHEMA,
            "environment": self.environment,
            "rows": [row.to_dict(is_mlperf=is_mlperf) for row in self.rows],
        }

    def write_raw(self, path: Path) -> None:
        """Write the time of every call as JSON: per row its case, and µs by way and round.

        Raises:
            UsageError: `path` cannot be written.
        """
        rows = []
        for row in self.rows:
            known = row.to_dict()
            case = {name: known[name] for name in IDENTITY}
            times = {
                call: [[ns / 1000 for ns in times] for times in latency.rounds]
                for call, latency in row.latency.items()
            }
            rows.append({**case, "status": row.status, "latency_us": times})
        write_text(path, json.dumps({"schema": SCHEMA, "rows": rows}))


IDENTITY = (
    "kind",
    "provider",
    "device",
    "python",
    "model",
    "precision",
    "batch",
    "threads",
    "pace",
)
"""The fields that say which row of one report is the same as one of another."""


def alike(group: Sequence[Row]) -> list[list[Row]]:
    """Give the rows that cannot be told apart, the fastest first; a row may be in several sets."""
    measured = [row for row in group if row.status == OK]
    measured.sort(key=lambda row: median(row.latency[PLAIN].medians()))
    sets, end = [], 0
    for start, first in enumerate(measured):
        rest = enumerate(measured[start:], start)
        last = max(i for i, row in rest if not _told_apart(first, row))
        if last > max(start, end):
            sets.append(measured[start : last + 1])
            end = last
    return sets


def _told_apart(first: Row, second: Row) -> bool:
    return told_apart(first.latency[PLAIN].medians(), second.latency[PLAIN].medians())
