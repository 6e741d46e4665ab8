"""Models that were changed, whose contract states the digest of the weights that they have now."""

import json
from pathlib import Path

import onnx

from digitlens.contract import METADATA_KEY
from digitlens.model_file import weights_sha256


def with_right_digest(model: onnx.ModelProto) -> bytes:
    contract = json.loads(model.metadata_props[0].value)
    contract["weights_sha256"] = weights_sha256(model.SerializeToString())
    onnx.helper.set_model_props(model, {METADATA_KEY: json.dumps(contract)})
    return model.SerializeToString()


def save(model: onnx.ModelProto, path: Path) -> None:
    path.write_bytes(with_right_digest(model))
