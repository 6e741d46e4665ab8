"""A report in words: how its rows are called, where they were measured, what is to be noted."""

from pathlib import Path

from digitlens import providers
from digitlens.bench import plan
from digitlens.bench.report import Report, alike
from digitlens.bench.row import OK, PEER, PIPELINE, Row
from digitlens.text import one_line


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
            where = _shown(found["path"]) if found["path"] else "this Python"
            lines.append(f"[{number}] {engine}, {where}")
    for model in place["models"]:
        name, size = Path(model["file"]).name, model["bytes"]
        precision = f", {model['precision']}" if model["precision"] else ""
        lines.append(f"{name}{precision}, {size:,} bytes, sha256 {model['sha256'][:12]}")
    return [one_line(line) for line in lines]


def _shown(path: str) -> str:
    """Give a path from the current folder on, where it lies below it."""
    here = Path.cwd()
    return str(Path(path).relative_to(here) if Path(path).is_relative_to(here) else path)


def notes(report: Report) -> list[str]:
    """Say what the numbers do not: failures, mixed placement, rows that are alike."""
    found = []
    for row in report.rows:
        if row.status != OK:
            found.append(f"{failed_name(row, report)}: {row.status}: {row.reason}")
            continue
        if len(row.placement) > 1:
            nodes = ", ".join(f"{providers.short_name(p)} {n}" for p, n in row.placement.items())
            found.append(f"{name(row, report)}: nodes ran on {nodes}")
        if row.is_stable is False:
            found.append(f"{_threaded(row, report)} ({work(row)}): did not settle in the warm-up")
        if row.is_late:
            rate = f"{row.calls_per_s:,.0f}/s"
            found.append(f"{_threaded(row, report)} ({work(row)}): got no further than {rate}")
    for group in plan.comparisons(report.rows):
        for rows in alike(group):
            names = ", ".join(_threaded(row, report) for row in rows)
            found.append(f"{work(group[0])}: cannot be told apart: {names}")
    is_mlperf = report.environment["settings"]["is_mlperf"]
    if is_mlperf and any(r["mlperf_single_stream_p90_us"] for r in report.to_dict()["rows"]):
        found.append("p90 at batch 1, max: as MLPerf's single-stream scenario; no official result")
    found += [f"warning: {warning}" for warning in report.environment.get("warnings", [])]
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
        stems = [Path(each["file"]).stem for each in report.environment["models"]]
        is_unique = stems.count(case.model.stem) == 1
        shown += f", {case.model.stem if is_unique else case.model}"
    return one_line(shown)


def failed_name(row: Row, report: Report) -> str:
    """Name a row that failed; with what it does where others of its name are ok."""
    shown = name(row, report)
    is_alone = all(other.status != OK for other in report.rows if name(other, report) == shown)
    return shown if is_alone else f"{_threaded(row, report)} ({work(row)})"


def work(row: Row) -> str:
    """Name what a row does, apart from who does it."""
    case = row.case
    what = "frame to reading" if case.kind == PIPELINE else f"batch {case.batch}"
    return f"{what}, {pace(case.pace)}"


def _threaded(row: Row, report: Report) -> str:
    return f"{name(row, report)} with {_threads(row.case.threads)}"


def pace(rate: float | None) -> str:
    """Write a pace, in calls a second: `max` for None, back to back."""
    return "max" if rate is None else f"{rate:g}/s"


def _threads(count: int) -> str:
    return f"{count} thread{'s' * (count > 1)}"
