import json
import os
from pathlib import Path

import onnx
import pytest

from command import Digitlens, assert_one_line_error
from digitlens import doctor
from digitlens.model_file import PACKAGED

NO_DISPLAY = {"DISPLAY": None, "WAYLAND_DISPLAY": None}


def test_the_report_names_versions_providers_and_the_proof(digitlens: Digitlens) -> None:
    result = digitlens("doctor", "--format", "json", env=NO_DISPLAY)
    assert result.status == 0, result.err
    report = json.loads(result.out)
    assert report["ok"] is True
    assert set(report["versions"]) == {"digitlens", "python", "numpy", "onnxruntime", "opencv"}
    assert "cpu" in report["providers"]
    assert "azure" not in report["providers"]
    assert report["processor"]["cores"] == os.cpu_count()
    assert report["window"] is False
    assert report["model"]["proof"]["passed"] is True
    assert report["model"]["placement"].keys() == {"cpu"}
    assert all(problem["way_out"] for problem in report["problems"])
    assert not any(problem["is_fatal"] for problem in report["problems"])


def test_the_table_names_what_is_wrong_and_the_way_out(digitlens: Digitlens) -> None:
    result = digitlens("doctor", env=NO_DISPLAY)
    assert result.status == 0
    assert "proof" in result.out
    assert "note       no window can be opened" in result.out
    assert "digits can be read" in result.out


def test_a_model_that_cannot_be_used_is_fatal(digitlens: Digitlens, tmp_path: Path) -> None:
    path = tmp_path / "bad.onnx"
    path.write_text("hello")
    result = digitlens("doctor", "--model", path)
    assert result.status == 1
    assert f"problem    {path}: the model is no ONNX file" in result.out
    assert "not to be relied on" in result.out


def test_a_model_that_is_not_there_is_no_such_file(digitlens: Digitlens) -> None:
    result = digitlens("doctor", "--model", "missing.onnx")
    assert_one_line_error(result, 2, "no model file missing.onnx")


@pytest.mark.parametrize("proof", [None, "failed"])
def test_a_model_without_a_passed_proof_is_fatal(tmp_path: Path, proof: str | None) -> None:
    model = onnx.load(PACKAGED)
    contract = json.loads(model.metadata_props[0].value)
    contract["proof"] = contract["proof"] | {"passed": False} if proof else None
    model.metadata_props[0].value = json.dumps(contract)
    onnx.save(model, tmp_path / "unproven.onnx")
    diagnosis = doctor.examine(tmp_path / "unproven.onnx")
    assert not diagnosis.ok
    assert any("proof" in problem.what for problem in diagnosis.problems)


def test_distributions_that_overwrite_each_other_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "opencv_python_headless-5.0.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: opencv-python-headless\n")
    monkeypatch.syspath_prepend(tmp_path)
    whats = [problem.what for problem in doctor.examine().problems]
    assert any("opencv-python and opencv-python-headless" in what for what in whats)
