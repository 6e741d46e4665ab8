"""`digitlens bench` with the onnxruntime that is here: real processes, measured briefly."""

import csv
import io
import json
import os
import re
import shutil
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest

from benchmark import CPU, NO_DATA, SHORT, assert_one_line, bench, report, rows_of
from command import Digitlens, Result
from digitlens.mnist import ENVIRONMENT
from digitlens.model_file import PACKAGED

PERCENTILES = ("min", "p50", "p90", "p95", "p99", "p99.9", "max")
IDENTITY = ("kind", "provider", "device", "python", "model", "precision", "batch", "threads",
            "pace")  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bench")


@pytest.fixture(scope="module")
def measured(digitlens: Digitlens, folder: Path) -> Result:
    """All kinds of rows, with raw.json and plot.png in `folder`."""
    files = ("--raw", folder / "raw.json", "--plot", folder / "plot.png")
    return digitlens("bench", *SHORT, "--format", "json", *files, env=NO_DATA)


def test_every_row_is_ok_and_placed_on_the_cpu(measured: Result) -> None:
    assert measured.status == 0, measured.err
    found = report(measured)
    assert found["schema"] == 1
    for row in found["rows"]:
        assert (row["status"], row["reason"]) == ("ok", None)
        assert list(row["placement"]) == [CPU]
        assert row["placement"][CPU] >= 10
        assert row["max_error"] == 0
        assert row["queries"] >= 32
        assert len(row["rounds_p50_us"]) == 5
    works = {(row["kind"], row["batch"], row["pace"]) for row in found["rows"]}
    assert works == {
        ("network", 1, None),
        ("network", 1, 30),
        ("network", 32, None),
        ("pipeline", 1, None),
        ("pipeline", 1, 30),
    }


def test_percentiles_are_in_order_and_a_pace_is_kept(measured: Result) -> None:
    for row in report(measured)["rows"]:
        for name in ("latency_us", "taps_latency_us", "bound_latency_us"):
            if row[name]:
                values = [row[name][each] for each in PERCENTILES]
                assert values == sorted(values)
                assert values[0] > 0
        if row["pace"]:
            assert 20 <= row["throughput_per_s"] <= 31
    plain = [row for row in report(measured)["rows"] if row["kind"] == "network"]
    assert all((row["bound_latency_us"] is None) == bool(row["pace"]) for row in plain)


def test_the_report_follows_from_the_raw_times(measured: Result, folder: Path) -> None:
    raw = json.loads((folder / "raw.json").read_text())
    assert len(raw["rows"]) == len(report(measured)["rows"])
    for row, times in zip(report(measured)["rows"], raw["rows"], strict=True):
        assert [row[name] for name in IDENTITY] == [times[name] for name in IDENTITY]
        rounds = times["latency_us"]["plain"]
        every = np.concatenate(rounds)
        assert row["queries"] == len(every)
        for name, share in (("p50", 50), ("p90", 90), ("p95", 95), ("p99", 99), ("p99.9", 99.9)):
            assert row["latency_us"][name] == pytest.approx(np.percentile(every, share), abs=1e-3)
        for name, value in (("min", min(every)), ("max", max(every)), ("mean", np.mean(every))):
            assert row["latency_us"][name] == pytest.approx(value, abs=1e-3)
        assert row["rounds_p50_us"] == pytest.approx([np.median(e) for e in rounds], abs=1e-3)


def test_the_plot_is_a_picture(measured: Result, folder: Path) -> None:
    assert measured.status == 0
    image = cv2.imread(str(folder / "plot.png"))
    assert image is not None
    assert image.std() > 5


@pytest.mark.full_mnist
def test_the_accuracy_is_that_of_the_model(digitlens: Digitlens, full_mnist: object) -> None:
    del full_mnist
    arguments = (*SHORT, "--batch", 7, "--data", os.environ[ENVIRONMENT])
    result = digitlens("bench", *arguments, "--format", "json", env=NO_DATA)
    accuracies = [row["accuracy"] for row in report(result)["rows"]]
    assert len(accuracies) == 3
    assert min(accuracies) > 0.98


@pytest.mark.full_mnist
def test_a_fixed_batch_leaves_no_image_out_and_is_not_read_with(
    digitlens: Digitlens, full_mnist: object, tmp_path: Path
) -> None:
    del full_mnist
    model = onnx.load(PACKAGED)
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 300
    onnx.save(model, tmp_path / "fixed.onnx")
    data = ("--data", os.environ[ENVIRONMENT], "--pipeline")
    row, reading = rows_of(digitlens, tmp_path / "fixed.onnx", *data)
    assert (row["status"], row["batch"]) == ("ok", 300)
    assert row["accuracy"] > 0.98
    assert (reading["kind"], reading["status"]) == ("pipeline", "failed")
    assert "the contract says" in reading["reason"]


def test_a_table_fits_a_terminal(digitlens: Digitlens) -> None:
    result = digitlens("bench", *SHORT, "--pace", "max", "--batch", 128, env=NO_DATA)
    assert result.status == 0
    lines = result.out.splitlines()
    assert max(map(len, lines)) <= 100
    assert {"network", "frame", "cost"} <= {line.split(" ")[0] for line in lines}
    assert any(line.startswith("lenet5.onnx, float32, ") for line in lines)


def test_markdown_has_a_table(digitlens: Digitlens) -> None:
    result = bench(digitlens, "--format", "markdown", "--provider", "cpu", "--provider", "cuda")
    assert result.status == 1
    tables = [line for line in result.out.splitlines() if line.startswith("|")]
    assert tables[1].startswith("| --- | ---: |")
    assert {line.count("|") for line in tables[:4]} == {tables[0].count("|")}
    assert "- cuda: not installed: pip install onnxruntime-gpu" in result.out


def test_csv_has_a_line_for_every_row(digitlens: Digitlens) -> None:
    result = bench(digitlens, "--format", "csv", "--threads", 1, "--threads", 2)
    lines = list(csv.DictReader(io.StringIO(result.out), strict=True))
    assert [line["threads"] for line in lines] == ["1", "2"]
    for line in lines:
        assert (line["status"], line["provider"]) == ("ok", CPU)
        assert float(line["latency_us.p50"]) <= float(line["latency_us.p99"])
        assert list(json.loads(line["placement"])) == [CPU]
        assert None not in line
        assert None not in line.values()


def test_the_pick_is_kept_and_taken(digitlens: Digitlens, photo: Path, tmp_path: Path) -> None:
    config = {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    read = ("classify", photo, "--provider", "auto")
    assert_one_line(digitlens(*read, env=config), 2, "digitlens bench --pick")
    result = bench(digitlens, "--pick", **config)
    assert result.status == 0
    assert re.fullmatch(r"cpu, (1 thread|\d+ threads)\n", result.out)
    file = tmp_path / "config" / "digitlens" / "pick.json"
    assert str(file) in result.err
    assert "12345" in digitlens(*read, env=config).out
    for damaged in ("", "{}", "[" * 100_000, '{"provider": "x", "threads": 1e999, "p50_us": 1}'):
        file.write_text(damaged)
        assert_one_line(digitlens(*read, env=config), 1, file, "digitlens bench --pick")


def test_the_pick_is_told_apart_from_what_it_cannot_choose_of(digitlens: Digitlens) -> None:
    for option in (("--batch", 8), ("--pace", 30)):
        result = digitlens("bench", "--quick", "--pick", *option, env=NO_DATA)
        assert_one_line(result, 2, "--pick", option[0])
    assert_one_line(bench(digitlens, "--pick", "--provider", "cuda"), 1, "onnxruntime-gpu")


@pytest.mark.parametrize("option", ["--raw", "--plot"])
def test_what_cannot_be_written_is_told_before_measuring(
    digitlens: Digitlens, tmp_path: Path, option: str
) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "file" / "inside.json"):
        result = bench(digitlens, option, path)
        assert_one_line(result, 2, path)
        assert "measuring" not in result.err


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--seconds", "nan"),
        ("--timeout", "nan"),
        ("--tolerance", "inf"),
        ("--tolerance", "nan"),
        ("--pace", "nan"),
        ("--fail-over", "nan%"),
        ("--fail-over", "-1%"),
        ("--pace", "0"),
        ("--batch", "0"),
        ("--queries", "1"),
        ("--dim", "batch"),
        ("--dim", "=3"),
        ("--dim", "batch=0"),
        ("--dim", "batch=²"),
    ],
)
def test_an_impossible_value_is_told(digitlens: Digitlens, option: str, value: str) -> None:
    assert_one_line(bench(digitlens, option, value), 2, option)


def test_an_option_that_has_nothing_to_do_is_refused(digitlens: Digitlens) -> None:
    assert_one_line(bench(digitlens, "--fail-over", "5%"), 2, "--fail-over is for --compare")


def test_the_single_stream_is_one_image_back_to_back(digitlens: Digitlens) -> None:
    for option in (["--batch", "8"], ["--pace", "30"]):
        result = digitlens("bench", "--mlperf", *option, env=NO_DATA)
        assert_one_line(result, 2, "--mlperf", option[0])


def test_azure_which_runs_no_node_fails(digitlens: Digitlens) -> None:
    (row,) = rows_of(digitlens, "--provider", "azure")
    assert row["status"] == "wrong placement"
    assert "AzureExecutionProvider ran no node" in row["reason"]


def test_a_misspelt_provider_is_told(digitlens: Digitlens) -> None:
    result = bench(digitlens, "--provider", "opnvino")
    assert_one_line(result, 2, "opnvino", "did you mean openvino")


def test_a_provider_that_is_not_installed_is_a_row(digitlens: Digitlens) -> None:
    missing, here = rows_of(digitlens, "--provider", "cuda", "--provider", "cpu")
    assert (missing["status"], here["status"]) == ("not installed", "ok")
    assert "pip install onnxruntime-gpu" in missing["reason"]


@pytest.mark.parametrize(
    "name", ["a\nb|c\x1b[31m.onnx", r"$\foo$.onnx", "\udcff.onnx"], ids=range(3)
)
def test_a_file_name_may_hold_anything(digitlens: Digitlens, tmp_path: Path, name: str) -> None:
    model = tmp_path / name
    shutil.copy(PACKAGED, model)
    second = tmp_path / ("second " + name)
    shutil.copy(PACKAGED, second)
    arguments = (
        "--plot",
        tmp_path / "plot.png",
        "--raw",
        tmp_path / "raw.json",
        "--format",
        "markdown",
    )
    environment = NO_DATA | {"PYTHONUTF8": "1"}
    result = digitlens(
        "bench",
        *SHORT,
        "--batch",
        1,
        "--pace",
        "max",
        "--no-pipeline",
        model,
        second,
        *arguments,
        env=environment,
    )
    assert result.status == 0, result.err
    assert "\x1b" not in result.out
    assert cv2.imread(str(tmp_path / "plot.png")) is not None
    tables = [line for line in result.out.splitlines() if line.startswith("|")]
    assert len(tables) == 8
    assert all(line.endswith("|") for line in tables)
