"""What the commands print is what the JSON Schemas in docs/schemas say, and no more."""

import json
from pathlib import Path

import jsonschema
import pytest

from command import ROOT, Digitlens, Result
from digitlens.contract import Contract
from digitlens.session import Session
from digitlens_train.run import Run

SCHEMAS = ROOT / "docs" / "schemas"


def held(name: str, value: object) -> None:
    """Hold a value to a schema, which must itself be one."""
    schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text())
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    kind(schema).validate(value)
    assert isinstance(value, dict)
    with pytest.raises(jsonschema.ValidationError):
        kind(schema).validate({**value, "unknown": True})


def objects(result: Result, count: int) -> list[dict[str, object]]:
    lines = [json.loads(line) for line in result.out.splitlines()]
    assert len(lines) >= count, result
    return lines


@pytest.mark.usefixtures("photo")
def test_readings_and_errors(digitlens: Digitlens, tmp_path: Path) -> None:
    (tmp_path / "broken.png").touch()
    for line in objects(digitlens("classify", tmp_path, "--format", "json"), 2):
        held("classify", line)


@pytest.mark.usefixtures("photo")
def test_frames(digitlens: Digitlens, tmp_path: Path) -> None:
    live = ("camera", "--no-window", "--format", "json")
    for line in objects(digitlens(*live, "test:", "--frames", 20), 20):
        held("camera", line)
    (tmp_path / "zbroken.png").touch()
    for line in objects(digitlens(*live, tmp_path), 2):
        held("camera", line)


def test_the_state_of_a_device(digitlens: Digitlens, tmp_path: Path) -> None:
    (tmp_path / "bad.onnx").write_text("hello")
    for more in ((), ("--model", tmp_path / "bad.onnx")):
        (line,) = objects(digitlens("doctor", "--format", "json", *more), 1)
        held("doctor", line)


def test_proof_and_contract(digitlens: Digitlens, model_file: Path, run: Run) -> None:
    result = digitlens("verify", model_file, "--against", run.folder, "--format", "json")
    held("verify", json.loads(result.out))
    for model in (None, model_file):
        contract: Contract = Session(model).contract
        held("contract", json.loads(contract.to_json()))


def test_the_manifest_of_a_batch(digitlens: Digitlens, photo: Path, tmp_path: Path) -> None:
    assert digitlens("batch", photo, "--output", tmp_path / "out").status == 0
    held("manifest", json.loads((tmp_path / "out" / "manifest.json").read_text()))
