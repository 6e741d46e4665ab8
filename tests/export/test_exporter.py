import json
import shutil
from pathlib import Path

import onnx
import pytest
import safetensors.torch
import torch

from breaks import BREAKS, change_weight
from command import Digitlens, Result, assert_one_line_error
from digitlens.cli import main
from digitlens.errors import ProofError
from digitlens.model_file import weights_sha256
from digitlens.session import Session
from digitlens_export import exporter, graph
from digitlens_train.model import LeNet
from digitlens_train.run import Run


@pytest.fixture
def broken_build(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exporter whose graph has one wrong weight."""
    faithful = graph.build

    def build(model: LeNet) -> onnx.ModelProto:
        built = faithful(model)
        change_weight(built)
        return built

    monkeypatch.setattr(graph, "build", build)


@pytest.mark.usefixtures("broken_build")
def test_a_failed_proof_leaves_no_file(run: Run, tmp_path: Path) -> None:
    with pytest.raises(ProofError, match="conv2 is off by"):
        exporter.export(run, tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("broken_build")
def test_a_failed_proof_is_one_line_and_status_1(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["export", str(run.folder), "-o", str(tmp_path / "model.onnx")])
    out, err = capsys.readouterr()
    assert_one_line_error(Result(ended.value.code, out, err), 1, "conv2 is off by")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("broken_build")
def test_a_failed_proof_leaves_an_older_file_as_it_was(run: Run, tmp_path: Path) -> None:
    target = tmp_path / "model.onnx"
    target.write_bytes(b"older")
    with pytest.raises(ProofError):
        exporter.export(run, target)
    assert target.read_bytes() == b"older"


def test_the_contract_carries_the_proof_and_the_training(run: Run, model_file: Path) -> None:
    model = onnx.load(model_file)
    assert [p.key for p in model.metadata_props] == ["digitlens"]
    contract = json.loads(model.metadata_props[0].value)
    assert contract["schema"] == 1
    assert contract["labels"] == list(range(10))
    assert contract["proof"]["passed"] is True
    assert contract["proof"]["samples"] == 1000
    metrics = run.read_metrics()
    assert contract["training"]["valid_accuracy"] == metrics["valid_accuracy"]
    assert contract["proof"]["accuracy"]["torch"] == pytest.approx(metrics["valid_accuracy"])
    assert contract["training"]["dataset"] == "mnist-5k"
    assert contract["weights_sha256"] == weights_sha256(model.SerializeToString())
    assert str(run.folder) not in model.metadata_props[0].value
    assert Session(model_file).contract.training["recipe"] == "classic"


def test_exporting_again_gives_the_same_bytes(
    digitlens: Digitlens, run: Run, model_file: Path, tmp_path: Path
) -> None:
    target = tmp_path / "deep" / "again.onnx"
    result = digitlens("export", run.folder, "-o", target)
    assert result.status == 0, result.err
    assert result.out == f"{target}\n"
    assert "proof passed" in result.err
    assert target.read_bytes() == model_file.read_bytes()


def test_verify_prints_the_proof(digitlens: Digitlens, run: Run, model_file: Path) -> None:
    result = digitlens("verify", model_file, "--against", run.folder, "--format", "json")
    assert result.status == 0, result.err
    proof = json.loads(result.out)
    assert set(proof) == {"passed", "samples", "label_agreement", "outputs", "accuracy"}
    assert {"name", "max_abs", "max_rel", "passed"} <= set(proof["outputs"][0])
    assert set(proof["accuracy"]) == {"torch", "onnx"}
    table = digitlens("verify", model_file, "--against", run.folder)
    assert table.status == 0
    assert "proof passed" in table.out


def test_verify_finds_a_broken_model(
    digitlens: Digitlens, run: Run, model_file: Path, tmp_path: Path
) -> None:
    change, first = BREAKS[1]
    model = onnx.load(model_file)
    change(model)
    onnx.save(model, tmp_path / "broken.onnx")
    result = digitlens(
        "verify", tmp_path / "broken.onnx", "--against", run.folder, "--format", "json"
    )
    assert result.status == 1
    assert json.loads(result.out)["passed"] is False
    assert f"{first} is off by" in result.err
    assert len(result.err.strip().splitlines()) == 1


def test_bad_runs_and_targets_are_one_line(digitlens: Digitlens, run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("in the way")
    other = Path(shutil.copytree(run.folder, tmp_path / "other"))
    weights = LeNet().state_dict() | {"conv1.weight": torch.zeros(6, 1, 3, 3)}
    safetensors.torch.save_file(weights, other / "checkpoint.safetensors")
    broken = Run(Path(shutil.copytree(run.folder, tmp_path / "broken")))
    broken.write_config({"dataset": "mnist-5k", "data": 5})
    for arguments, status, words in (
        (["broken"], 1, ["broken", "damaged", "recipe"]),
        (["missing"], 2, ["no run folder missing"]),
        (["empty"], 2, ["no checkpoint.safetensors in empty"]),
        (["other"], 1, ["conv1.weight", "[6, 1, 3, 3]"]),
        ([run.folder, "-o", "file/model.onnx"], 2, ["file"]),
        ([run.folder, "-o", "empty"], 2, ["empty: it is a folder"]),
    ):
        assert_one_line_error(digitlens("export", *arguments, cwd=tmp_path), status, *words)
