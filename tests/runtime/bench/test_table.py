import csv
import io
import json

import pytest

from digitlens.bench import table
from digitlens.bench.compare import compare
from digitlens.bench.report import Report
from digitlens.bench.row import FAILED, NOT_INSTALLED, PIPELINE, WRONG_PLACEMENT
from measured import CPU, CUDA, EVEN, failed, report, row

OPENVINO = "OpenVINOExecutionProvider"
APART = tuple(3 * us for us in EVEN)
OTHER = "/home/user/envs/other/bin/python"


def mixed() -> Report:
    """Give a report with something of everything."""
    return report(
        row(),
        row(APART, batch=128),
        row(pace=30.0, cpu=0.01),
        row(APART, kind=PIPELINE),
        row(provider=CUDA, placement={CUDA: 12, CPU: 5}),
        failed(FAILED, "no luck", batch=1),
        failed(FAILED, "no luck", batch=8),
        failed(NOT_INSTALLED, "pip install it", provider=OPENVINO),
    )


def tables(text: str) -> list[list[str]]:
    """Split a report at its empty lines."""
    return [part.splitlines() for part in text.split("\n\n")]


def first_words(lines: list[str]) -> list[str]:
    return [line.split()[0] for line in lines]


def test_a_table_has_its_head_the_rows_the_cost_and_notes() -> None:
    head, network, reading, cost, notes = tables(table.table(mixed()))
    assert head == [
        "Some Processor, 2 cores, Linux 6.1",
        "float32 matrix product, GFLOP/s: 99 on 1 thread",
        "lenet5.onnx, float32, 248,000 bytes, sha256 abababababab",
    ]
    names = ["network", "cpu", "cpu", "cpu", "cuda", "cuda", "cuda", "openvino"]
    assert first_words(network) == names
    assert " ".join(network[1].split()) == "cpu 1 1 max 102 9,804 1.00 4% 99.31%"
    assert network[3].split()[3:5] == ["30/s", "102"]
    assert reading[0].startswith("frame to reading")
    assert reading[1].split()[4] == "306"
    assert first_words(cost) == ["cost", "cpu", "cpu", "cpu,", "cuda"]
    assert "cpu, reading" in cost[3]
    assert "cuda with 1 thread (batch 8, max): failed: no luck" in notes


def test_columns_are_aligned() -> None:
    _, network, _, cost, _ = tables(table.table(mixed()))
    for lines in (network[:5], cost):
        assert len({len(line) for line in lines}) == 1
        for title in ("batch", "thr"):
            end = lines[0].index(title) + len(title)
            assert all(line[end - 1] != " " and line[end : end + 1] == " " for line in lines)


def test_a_provider_that_fails_has_its_status_and_its_reason_once() -> None:
    rows = [failed(FAILED, "no luck", batch=batch) for batch in (1, 8)]
    text = table.table(report(row(), *rows))
    assert [line for line in text.splitlines() if line.startswith("cuda  ")] == ["cuda     failed"]
    assert text.count("no luck") == 1


def test_a_row_that_fails_beside_others_of_its_provider_says_at_which_work() -> None:
    lines = table.table(mixed()).splitlines()
    cuda = [line.split() for line in lines if line.startswith("cuda  ")]
    assert cuda[1:3] == [["cuda", "1", "1", "max", "failed"], ["cuda", "8", "1", "max", "failed"]]
    assert "cuda with 1 thread (batch 1, max): failed: no luck" in lines
    assert "openvino  not installed" in lines
    assert "openvino: not installed: pip install it" in lines


def test_rows_that_failed_for_different_reasons_are_all_explained() -> None:
    text = table.table(report(failed(FAILED, "no luck"), failed(FAILED, "no time", batch=8), row()))
    assert "cuda: failed: no luck" in text
    assert "cuda: failed: no time" in text


def test_a_report_of_failures_alone_can_be_shown() -> None:
    text = table.table(report(failed(WRONG_PLACEMENT, "the CPU did"), failed(FAILED, "no luck")))
    _, network, notes = tables(text)
    assert [line.split(maxsplit=1) for line in network[1:]] == [
        ["cuda", "wrong placement"],
        ["cuda", "failed"],
    ]
    assert notes == ["cuda: wrong placement: the CPU did", "cuda: failed: no luck"]
    assert table.markdown(report(failed(FAILED, "no luck")))


def test_one_provider_needs_no_line_of_more_than_100_characters() -> None:
    slow = tuple(1_000 * us for us in EVEN)
    rows = [
        row(slow if batch > 8 else EVEN, batch=batch, threads=threads, provider=provider)
        for provider in (CPU, "NvTensorRTRTXExecutionProvider")
        for batch in (1, 8, 32, 65536)
        for threads in (1, 16)
    ]
    text = table.table(report(*rows, row(slow, kind=PIPELINE)))
    _, *parts, _notes = tables(text)
    assert max(len(line) for lines in parts for line in lines) <= 100


def test_columns_that_nobody_has_are_left_out() -> None:
    one = row()
    one.accuracy = one.of_limit = None
    text = table.table(report(one))
    assert "accuracy" not in text
    assert "limit" not in text
    assert "spread" in text


@pytest.mark.parametrize(
    ("us", "text"),
    [(1.234, "1.23"), (12.34, "12.3"), (99.96, "100.0"), (123.4, "123"), (1234567, "1,234,567")],
)
def test_numbers_have_no_more_digits_than_they_say(us: float, text: str) -> None:
    _, network, _ = tables(table.table(report(row([us] * 5))))
    assert network[1].split()[4] == text


def test_markdown_has_as_many_cells_in_every_line_of_a_table() -> None:
    found = tables(table.markdown(mixed()))
    grids = [part for part in found if part[0].startswith("|")]
    assert len(grids) == 3
    for lines in grids:
        assert len({line.count("|") for line in lines}) == 1
        assert all(line.startswith("| ") and line.endswith(" |") for line in lines)
        assert set(lines[1]) == set("| -:")
    assert all(line.startswith("- ") for line in found[-1])
    assert all(line.endswith("  ") for line in found[0][:-1])  # a line break


def test_csv_has_a_line_for_every_row_with_what_is_nested_under_its_own_name() -> None:
    found = mixed()
    text = table.to_csv(found)
    lines = list(csv.DictReader(io.StringIO(text)))
    assert len(lines) == len(found.rows)
    for line, each in zip(lines, found.to_dict()["rows"], strict=True):
        assert None not in line
        assert None not in line.values()
        assert line["provider"] == each["provider"]
        assert json.loads(line["placement"]) == each["placement"]
        latency = each["latency_us"] or {}
        assert line["latency_us.p50"] == str(latency.get("p50", ""))
        assert line["rounds_p50_us"] == " ".join(map(str, each["rounds_p50_us"]))
    assert lines[0]["memory_mb.steady"] == "64.2"
    assert lines[5]["reason"] == "no luck"
    assert not text.endswith("\n")


def test_csv_has_no_column_that_nobody_fills_beside_nested_ones() -> None:
    (names, *_) = csv.reader(io.StringIO(table.to_csv(mixed())))
    assert len(names) == len(set(names))
    assert not {"latency_us", "taps_latency_us", "bound_latency_us", "memory_mb"} & set(names)


def test_csv_of_failures_alone_can_be_read() -> None:
    (line,) = csv.DictReader(io.StringIO(table.to_csv(report(failed(FAILED, 'a, "b"\nc')))))
    assert line["reason"] == 'a, "b"\nc'
    assert line["latency_us"] == ""


@pytest.mark.parametrize("form", ["table", "markdown"])
def test_a_comparison_shows_both_medians_and_marks_regressions(form: str) -> None:
    old = report(row(), row(EVEN, batch=8), row(kind=PIPELINE, pace=30.0), row(python=OTHER))
    new = report(row(), row(APART, batch=8), row(kind=PIPELINE, pace=30.0), row(batch=32))
    changes = compare(old.to_dict(), new.to_dict(), 0.1)
    head, *lines = table.comparison(changes, form).splitlines()
    assert head.strip("| ").startswith("compared")
    lines = [line for line in lines if "---" not in line]
    cells = [line.strip("| ").split(" | " if form == "markdown" else None) for line in lines]
    assert cells[0] == ["cpu", "1", "1", "max", "102", "102", "1.00", "same"]
    assert "slower (!)" in lines[1]
    assert "3.00" in lines[1]
    assert "cpu, reading" in lines[2]
    assert "30/s" in lines[2]
    assert "new" in lines[3]
    assert f"cpu, {OTHER}" in lines[4]
    assert "gone" in lines[4]
    assert sum("(!)" in line for line in lines) == 1
