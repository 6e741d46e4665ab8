"""`digitlens bench --compare`: a report beside an earlier one, whole or damaged."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmark import assert_one_line, bench, report
from command import Digitlens


@pytest.fixture(scope="module")
def old(digitlens: Digitlens, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An earlier report."""
    path = tmp_path_factory.mktemp("bench") / "old.json"
    result = bench(digitlens, "--format", "json")
    assert result.status == 0
    path.write_text(result.out)
    return path


def changed(old: Path, path: Path, **fields: object) -> Path:
    """Write `old` with other fields in its row."""
    content = json.loads(old.read_text())
    content["rows"][0] |= fields
    path.write_text(json.dumps(content))
    return path


def test_two_runs_on_one_machine_can_be_compared(digitlens: Digitlens, old: Path) -> None:
    result = bench(digitlens, "--compare", old, "--fail-over", "1000%", "--format", "json")
    assert result.status == 0
    (change,) = report(result)["comparison"]
    assert change["verdict"] in ("same", "faster", "slower")
    assert change["regression"] is False
    assert change["old_p50_us"] == json.loads(old.read_text())["rows"][0]["latency_us"]["p50"]


def test_a_row_that_became_slower_fails(digitlens: Digitlens, old: Path, tmp_path: Path) -> None:
    (row,) = json.loads(old.read_text())["rows"]
    times: dict[str, Any] = {
        "latency_us": {name: us / 20 for name, us in row["latency_us"].items()},
        "rounds_p50_us": [us / 20 for us in row["rounds_p50_us"]],
    }
    fast = changed(old, tmp_path / "fast.json", **times)
    result = bench(digitlens, "--compare", fast, "--fail-over", "400%")
    assert result.status == 1
    assert "slower (!)" in result.out


def test_a_row_that_fails_now_or_is_gone_is_told(
    digitlens: Digitlens, old: Path, tmp_path: Path
) -> None:
    gone = changed(old, tmp_path / "gone.json", threads=3)
    result = bench(digitlens, "--compare", gone, "--format", "json")
    assert result.status == 1
    assert "1 rows of the old report were not measured again: CPUExecutionProvider" in result.err
    assert [c["verdict"] for c in report(result)["comparison"]] == ["new", "gone"]
    ok = changed(old, tmp_path / "ok.json", provider="AzureExecutionProvider")
    result = bench(digitlens, "--compare", ok, "--provider", "azure", "--format", "csv")
    assert result.status == 1
    assert "ok → wrong placement (!)" in result.err


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\xff",
        "5",
        "[]",
        "[" * 100_000,
        '{"schema": 1}',
        '{"schema": 1, "rows": 5}',
        '{"schema": 1, "rows": [5]}',
        '{"schema": 1, "rows": [{}]}',
    ],
    ids=range(9),
)
def test_what_is_no_report_is_not_compared(digitlens: Digitlens, tmp_path: Path, text: str) -> None:
    path = tmp_path / "old.json"
    path.write_bytes(text.encode("latin-1"))
    assert_one_line(bench(digitlens, "--compare", path), 1, path, "is no report")


@pytest.mark.parametrize(
    "fields",
    [
        {"latency_us": None},
        {"latency_us": {}},
        {"latency_us": {"p50": "x"}},
        {"latency_us": {"p50": 0}},
        {"rounds_p50_us": []},
        {"rounds_p50_us": ["a"]},
        {"provider": []},
        {"provider": 5},
        {"model": None},
        {"pace": "fast"},
        {"status": None},
    ],
    ids=str,
)
def test_a_damaged_report_is_not_compared(
    digitlens: Digitlens, old: Path, tmp_path: Path, fields: dict[str, object]
) -> None:
    path = changed(old, tmp_path / "damaged.json", **fields)
    assert_one_line(bench(digitlens, "--compare", path), 1, path, "is no report")


def test_a_report_that_is_not_there_or_of_another_schema_is_told(
    digitlens: Digitlens, tmp_path: Path
) -> None:
    path = tmp_path / "old.json"
    assert_one_line(bench(digitlens, "--compare", path), 2, path, "bench --format json")
    path.write_text('{"schema": 2, "rows": []}')
    assert_one_line(bench(digitlens, "--compare", path), 1, path, "schema 2")
    assert_one_line(bench(digitlens, "--compare", tmp_path), 1, tmp_path, "no regular file")
