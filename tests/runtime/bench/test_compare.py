import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from digitlens.bench.compare import Change, compare, doubts, is_failed, read
from digitlens.bench.report import SCHEMA
from digitlens.bench.row import FAILED, NOT_INSTALLED, WRONG_RESULT, Row
from digitlens.errors import DataError, DigitlensError, NotFoundError
from measured import CUDA, EVEN, failed, report, row

SLOWER = tuple(2 * us for us in EVEN)
A_LITTLE_SLOWER = tuple(1.05 * us for us in EVEN)


def changes(old: list[Row], new: list[Row], limit: float = 0.1) -> list[Change]:
    return compare(report(*old).to_dict(), report(*new).to_dict(), limit)


def only(old: Row, new: Row, limit: float = 0.1) -> Change:
    (change,) = changes([old], [new], limit)
    return change


def test_rounds_that_overlap_are_the_same() -> None:
    change = only(row(EVEN), row((104, 105, 106, 107, 108)))
    assert (change.verdict, change.is_regression) == ("same", False)
    assert (change.old_us, change.new_us) == (102, 106)
    assert change.ratio == pytest.approx(106 / 102)


def test_rounds_that_overlap_are_no_regression_however_far_their_medians_are_apart() -> None:
    change = only(row((100, 100, 100, 100, 900)), row((500, 500, 500, 500, 500)))
    assert (change.verdict, change.is_regression) == ("same", False)


def test_a_faster_row_is_no_regression() -> None:
    change = only(row(SLOWER), row(EVEN))
    assert (change.verdict, change.is_regression, change.ratio) == ("faster", False, 0.5)


@pytest.mark.parametrize(
    ("limit", "is_regression"), [(0, True), (0.5, True), (0.99, True), (1, False), (5, False)]
)
def test_a_slower_row_is_a_regression_beyond_the_limit(limit: float, is_regression: bool) -> None:
    change = only(row(EVEN), row(SLOWER), limit)
    assert (change.verdict, change.is_regression) == ("slower", is_regression)


def test_a_row_that_is_a_little_slower_says_so() -> None:
    change = only(row(EVEN), row(A_LITTLE_SLOWER), 0.1)
    assert (change.verdict, change.is_regression) == ("slower", False)


def test_new_rows_and_gone_ones_are_no_regression() -> None:
    one, eight = row(batch=1), row(batch=8)
    found = changes([one], [eight])
    assert [(each.verdict, each.row["batch"]) for each in found] == [("new", 8), ("gone", 1)]
    assert [(each.old_us, each.new_us) for each in found] == [(None, 102), (102, None)]
    assert not any(each.is_regression for each in found)
    assert [each.ratio for each in found] == [None, None]


def test_the_order_is_that_of_the_new_report() -> None:
    rows = [row(batch=batch) for batch in (1, 8, 32)]
    found = changes(rows, rows[::-1])
    assert [each.row["batch"] for each in found] == [32, 8, 1]


@pytest.mark.parametrize(
    ("old", "new", "verdict", "is_regression"),
    [
        (row(provider=CUDA), failed(FAILED, "x"), "ok → failed", True),
        (row(provider=CUDA), failed(WRONG_RESULT, "x"), "ok → wrong result", True),
        (failed(FAILED, "x"), row(provider=CUDA), "failed → ok", False),
        (failed(FAILED, "x"), failed(FAILED, "y"), "failed → failed", False),
        (failed(NOT_INSTALLED, "x"), failed(FAILED, "y"), "not installed → failed", False),
    ],
)
def test_a_row_that_fails_now_is_a_regression(
    old: Row, new: Row, verdict: str, is_regression: bool
) -> None:
    new.precision = old.precision = "float32"
    change = only(old, new)
    assert (change.verdict, change.is_regression) == (verdict, is_regression)
    assert change.ratio is None


def test_a_model_is_the_same_in_another_folder_and_another_under_another_name() -> None:
    old = row(model=Path("runs/old/lenet5.onnx"))
    assert only(old, row(model=Path("/tmp/lenet5.onnx"))).verdict == "same"
    other = row(model=Path("runs/old/other.onnx"))
    assert [each.verdict for each in changes([old], [other])] == ["new", "gone"]


@pytest.mark.parametrize(
    "other",
    [
        {"kind": "pipeline"},
        {"provider": CUDA},
        {"device": "GPU"},
        {"python": "/other/bin/python"},
        {"batch": 2},
        {"threads": 2},
        {"pace": 30.0},
    ],
    ids=lambda other: "".join(other),
)
def test_rows_that_differ_in_what_was_asked_for_are_not_compared(other: dict[str, Any]) -> None:
    assert [each.verdict for each in changes([row()], [row(**other)])] == ["new", "gone"]


def test_a_model_of_another_precision_is_another_row() -> None:
    int8 = row()
    int8.precision = "int8"
    assert [each.verdict for each in changes([row()], [int8])] == ["new", "gone"]


def test_rows_of_one_identity_are_compared_in_their_order() -> None:
    both = [row(EVEN, model=Path("a/m.onnx")), row(SLOWER, model=Path("b/m.onnx"))]
    assert [each.verdict for each in changes(both, both)] == ["same", "same"]
    found = changes(both, both[:1])
    assert [each.verdict for each in found] == ["same", "gone"]
    assert found[1].old_us == 204


def test_a_change_is_written_with_the_identity_of_its_row() -> None:
    found = only(row(EVEN, threads=2), row(SLOWER, threads=2)).to_dict()
    assert (found["kind"], found["threads"], found["pace"]) == ("network", 2, None)
    assert (found["old_p50_us"], found["new_p50_us"], found["ratio"]) == (102, 204, 2)
    assert (found["verdict"], found["regression"]) == ("slower", True)
    assert json.loads(json.dumps(found)) == found


def test_a_report_is_read_as_it_was_written(tmp_path: Path) -> None:
    written = report(row(), failed(FAILED, "x"), row(pace=30.0)).to_dict()
    path = tmp_path / "old.json"
    path.write_text(json.dumps(written))
    assert read(path) == written
    path.write_text(json.dumps(written | {"comparison": []}))
    assert read(path)["rows"] == written["rows"]


def assert_one_line(error: DigitlensError, path: Path, status: int) -> None:
    assert str(path) in str(error)
    assert "\n" not in str(error)
    assert error.exit_code == status


def test_a_missing_report_is_not_found(tmp_path: Path) -> None:
    path = tmp_path / "missing.json"
    with pytest.raises(NotFoundError, match="--format json") as error:
        read(path)
    assert_one_line(error.value, path, 2)


def test_a_folder_is_no_report(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no regular file") as error:
        read(tmp_path)
    assert_one_line(error.value, tmp_path, 1)


@pytest.mark.parametrize("schema", [0, SCHEMA + 1, "1", None])
def test_a_report_of_another_schema_is_refused(tmp_path: Path, schema: object) -> None:
    path = tmp_path / "old.json"
    path.write_text(json.dumps(report(row()).to_dict() | {"schema": schema}))
    with pytest.raises(DataError, match=f"has schema {schema!r}.*measure it again") as error:
        read(path)
    assert_one_line(error.value, path, 1)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        b"\x89PNG\xff\xfe",
        b"[]",
        b"5",
        b"null",
        b"{}",
        b'{"schema": 1}',
        b'{"schema": 1, "rows": 5}',
        b'{"schema": 1, "rows": [5]}',
        b'{"schema": 1, "rows": [{}]}',
        b'{"schema": 1, "environment": [], "rows": []}',
        b'{"schema": 1, "environment": {"warnings": null}, "rows": []}',
        b"[" * 100_000,
    ],
    ids=lambda content: content[:24].decode(errors="replace"),
)
def test_what_is_no_report_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "old.json"
    path.write_bytes(content)
    with pytest.raises(DataError, match="is no report") as error:
        read(path)
    assert_one_line(error.value, path, 1)


def without(name: str) -> Callable[[dict[str, Any]], None]:
    return lambda row: row.pop(name)


def with_value(name: str, value: object) -> Callable[[dict[str, Any]], None]:
    return lambda row: row.update({name: value})


@pytest.mark.parametrize(
    "damage",
    [
        *map(without, ("kind", "provider", "model", "batch", "pace", "status", "latency_us")),
        without("rounds_p50_us"),
        with_value("model", 5),
        with_value("batch", [1]),
        with_value("latency_us", None),
        with_value("latency_us", {}),
        with_value("latency_us", {"p50": "fast"}),
        with_value("latency_us", {"p50": None}),
        with_value("rounds_p50_us", []),
        with_value("rounds_p50_us", None),
        with_value("rounds_p50_us", ["1"]),
    ],
)
def test_a_report_with_damaged_rows_is_refused(
    tmp_path: Path, damage: Callable[[dict[str, Any]], None]
) -> None:
    written = report(row(), row(batch=8)).to_dict()
    damage(written["rows"][1])
    path = tmp_path / "old.json"
    path.write_text(json.dumps(written))
    with pytest.raises(DataError, match="is no report") as error:
        read(path)
    assert_one_line(error.value, path, 1)


def test_less_accuracy_on_the_same_images_is_a_regression() -> None:
    old, new = (report(row()).to_dict() for _ in range(2))
    new["rows"][0]["accuracy"] -= 0.002
    for each in (old, new):
        each["environment"]["accuracy_images"] = 10_000
    (change,) = compare(old, new, 0.1)
    assert change.is_regression
    assert change.verdict.startswith("accuracy 99.31% → 99.11%")
    new["environment"]["accuracy_images"] = 1_000
    assert not is_failed(compare(old, new, 0.1))


def test_reports_of_other_places_or_of_busy_ones_are_doubted() -> None:
    old, new = (report(row()).to_dict() for _ in range(2))
    for each in (old, new):
        each["environment"] |= {"onnxruntime": "1.31.1", "warnings": []}
    assert doubts(old, new) == []
    old["environment"] |= {"processor": "Another", "warnings": ["others were busy"]}
    first, second = doubts(old, new)
    assert first.startswith("processor was Another, and is Some Processor")
    assert second == "of the old report: others were busy"


def test_reports_without_a_common_row_fail() -> None:
    old, new = report(row()).to_dict(), report(row(threads=2)).to_dict()
    assert is_failed(compare(old, new, 0.1))
    assert not is_failed(compare(old, old, 0.1))
