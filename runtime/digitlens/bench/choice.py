"""Which row of a report is the one to use."""

from collections.abc import Sequence

from digitlens.bench.latency import told_apart
from digitlens.bench.report import Report
from digitlens.bench.row import NETWORK, OK, PLAIN, Row
from digitlens.errors import DigitlensError
from digitlens.pick import Pick


def candidates(cores: int) -> tuple[int, ...]:
    """Give the numbers of threads that are worth a try: powers of two, and all cores."""
    powers = {1 << bit for bit in range(cores.bit_length())}
    return tuple(sorted({count for count in powers if count <= cores} | {cores}))


def choose(report: Report) -> Pick:
    """Choose the fastest right row of this Python for one image, back to back.

    Of those that cannot be told apart from it, the one that takes the least CPU time.

    Raises:
        DigitlensError: no row is right.
    """
    rows = [row for row in report.rows if _counts(row)]
    if not rows:
        reasons = "; ".join(dict.fromkeys(row.reason for row in report.rows if row.reason))
        reasons = reasons or "no row has a batch of one, back to back"
        raise DigitlensError(f"nothing to pick from ({reasons}): see 'digitlens doctor'")
    fastest = min(rows, key=_p50)
    alike = [row for row in rows if not told_apart(_medians(row), _medians(fastest))]
    best = min(alike, key=lambda row: (row.cpu or 0) * _p50(row))
    return Pick(best.case.provider, best.case.threads, _p50(best))


def _counts(row: Row) -> bool:
    case = row.case
    is_single = case.batch == 1 and case.pace is None
    return row.status == OK and case.kind == NETWORK and not case.python and is_single


def _medians(row: Row) -> Sequence[float]:
    return row.latency[PLAIN].medians()


def _p50(row: Row) -> float:
    return row.latency[PLAIN].to_dict()["p50"]
