"""Two reports side by side."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from digitlens.bench.latency import told_apart
from digitlens.bench.report import IDENTITY, SCHEMA
from digitlens.bench.row import OK
from digitlens.errors import DataError, NotFoundError

NEW, GONE = _LONE = "new", "gone"
"""Verdicts on rows that one of two reports has alone."""

ACCURACY_LOSS = 0.001
"""Share of images that may be read wrong more than before."""


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one row.

    Attributes:
        row: as in the JSON of the new report, or of the old one where the new one lacks it.
        old_us, new_us: the medians, None where it was not measured.
        verdict: `same` where they cannot be told apart, else `faster` or `slower`; `new`, `gone`,
            or the status that it fell to or rose from.
        is_regression: whether it is slower by more than the limit, less accurate, or fails now.
    """

    row: dict[str, Any]
    old_us: float | None
    new_us: float | None
    verdict: str
    is_regression: bool

    @property
    def ratio(self) -> float | None:
        """New over old."""
        return self.new_us / self.old_us if self.new_us and self.old_us else None

    def to_dict(self) -> dict[str, Any]:
        """Give what the JSON says of it under `comparison`."""
        return {
            **{name: self.row[name] for name in IDENTITY},
            "old_p50_us": self.old_us,
            "new_p50_us": self.new_us,
            "ratio": self.ratio and round(self.ratio, 4),
            "verdict": self.verdict,
            "regression": self.is_regression,
        }


def read(path: Path) -> dict[str, Any]:
    """Read the JSON of a report.

    Raises:
        NotFoundError: there is no such file.
        DataError: it is no report of this version.
    """
    try:
        if path.exists() and not path.is_file():
            raise DataError(f"{path} is no regular file: name a report")
        report = json.loads(path.read_bytes())
        schema = report["schema"]
        if schema != SCHEMA:
            raise DataError(
                f"{path} has schema {schema!r}, this digitlens compares {SCHEMA}: measure it again"
            )
        place = report["environment"]
        if not isinstance(place.get("warnings", []), list):
            raise TypeError(f"warnings are {place['warnings']!r}")
        for row in report["rows"]:
            _check(row)
    except FileNotFoundError as error:
        raise NotFoundError(f"no file {path}: make it with 'bench --format json'") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}): name another file") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(
            f"{path} is no report ({type(error).__name__}: {error}): "
            "make one with 'bench --format json'"
        ) from error
    return dict(report)


_KINDS: dict[str, Any] = {
    **dict.fromkeys(("kind", "provider", "model", "status"), str),
    **dict.fromkeys(("device", "python", "precision"), str | None),
    **dict.fromkeys(("batch", "threads"), int),
    "pace": int | float | None,
    "latency_us": dict | None,
    "rounds_p50_us": list,
}
"""What is read of a row, and its types."""


def _check(row: dict[str, Any]) -> None:
    for name, kind in _KINDS.items():
        if not isinstance(row[name], kind):
            raise TypeError(f"{name} is {row[name]!r}")
    times = [*row["rounds_p50_us"], *([row["latency_us"]["p50"]] if row["latency_us"] else [])]
    if not all(isinstance(us, int | float) and us > 0 for us in times):
        raise TypeError(f"times are {times!r}")
    if row["status"] == OK and not (row["latency_us"] and row["rounds_p50_us"]):
        raise ValueError("a row that is ok has no times")


def is_failed(changes: Sequence[Change]) -> bool:
    """Tell whether a row became worse, or no row of the old report was measured again."""
    return any(c.is_regression for c in changes) or all(c.verdict in _LONE for c in changes)


def doubts(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Say what keeps two reports from being comparable."""
    before, after = dict(_numbered(old)), dict(_numbered(new))
    found = [
        f"{name} was {old_value}, and is {new_value}: the two reports are of different places"
        for name in ("processor", "usable_cores", "onnxruntime")
        if (old_value := old["environment"].get(name)) != (new_value := new["environment"][name])
    ]
    if busy := [w for w in old["environment"].get("warnings", []) if isinstance(w, str)]:
        found.append(f"of the old report: {'; '.join(busy)}")
    gone = [row["provider"] for key, row in before.items() if key not in after]
    if gone:
        names = ", ".join(dict.fromkeys(gone))
        found.append(f"{len(gone)} rows of the old report were not measured again: {names}")
    return found


def compare(old: dict[str, Any], new: dict[str, Any], limit: float) -> list[Change]:
    """Set the rows of two reports side by side, in the order of the new one.

    Args:
        old: as `Report.to_dict` gives it.
        new: the same.
        limit: share by which a row may become slower.
    """
    before, after = dict(_numbered(old)), dict(_numbered(new))
    images = [each["environment"].get("accuracy_images") for each in (old, new)]
    has_data = images[0] == images[1]
    changes = [_change(before.get(key), row, limit, has_data) for key, row in after.items()]
    return changes + [
        Change(row, _p50(row), None, GONE, False) for key, row in before.items() if key not in after
    ]


def _change(
    old: dict[str, Any] | None, new: dict[str, Any], limit: float, has_data: bool
) -> Change:
    if old is None:
        return Change(new, None, _p50(new), NEW, False)
    if not old["status"] == new["status"] == OK:
        verdict = f"{old['status']} → {new['status']}"
        return Change(new, _p50(old), _p50(new), verdict, old["status"] == OK)
    before, after = _p50(old), _p50(new)
    if has_data and _loss(old, new) > ACCURACY_LOSS:
        verdict = f"accuracy {old['accuracy']:.2%} → {new['accuracy']:.2%}"
        return Change(new, before, after, verdict, True)
    assert before is not None
    assert after is not None
    if not told_apart(old["rounds_p50_us"], new["rounds_p50_us"]):
        return Change(new, before, after, "same", False)
    verdict = "slower" if after > before else "faster"
    return Change(new, before, after, verdict, after > before * (1 + limit))


def _loss(old: dict[str, Any], new: dict[str, Any]) -> float:
    before, after = old.get("accuracy"), new.get("accuracy")
    return before - after if isinstance(before, float) and isinstance(after, float) else 0.0


def _p50(row: dict[str, Any]) -> float | None:
    latency = row["latency_us"]
    return None if latency is None else float(latency["p50"])


def _numbered(report: dict[str, Any]) -> Iterator[tuple[object, dict[str, Any]]]:
    """Give every row under its identity, and a number for those that have the same."""
    seen: Counter[object] = Counter()
    for row in report["rows"]:
        key = _identity(row)
        seen[key] += 1
        yield (key, seen[key]), row


def _identity(row: dict[str, Any]) -> tuple[object, ...]:
    """A model is the same under another folder."""
    return tuple(Path(row[n]).name if n == "model" else row[n] for n in IDENTITY)
