from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import tiny
from digitlens import model_file
from digitlens.errors import ModelError
from digitlens.model_file import PACKAGED, check, precision, read

FLOAT = np.random.default_rng(0).random((50, 40)).astype(np.float32)
INDICES = np.arange(9_000, dtype=np.int64)


def model(path: Path, **initializers: np.ndarray) -> bytes:
    """Give a model that has weights."""
    saved = tiny.save(
        path,
        [helper.make_node("Identity", ["x"], ["y"])],
        [tiny.value("x", ["n"])],
        [tiny.value("y", ["n"])],
        **initializers,
    )
    return saved.read_bytes()


def test_the_packaged_model_has_weights_of_float32() -> None:
    assert precision(PACKAGED.read_bytes()) == "float32"


@pytest.mark.parametrize(
    ("dtype", "name"),
    [
        (np.float32, "float32"),
        (np.float16, "float16"),
        (np.float64, "float64"),
        (np.int8, "int8"),
        (np.uint8, "uint8"),
    ],
)
def test_precision_is_the_type_of_the_weights(tmp_path: Path, dtype: type, name: str) -> None:
    assert precision(model(tmp_path / "m.onnx", w=(100 * FLOAT).astype(dtype))) == name


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (TensorProto.BFLOAT16, "bfloat16"),
        (TensorProto.FLOAT8E4M3FN, "float8"),
        (TensorProto.FLOAT8E5M2, "float8"),
        (TensorProto.INT4, "int4"),
        (TensorProto.UINT4, "uint4"),
        (TensorProto.FLOAT4E2M1, "float4"),
    ],
)
def test_types_that_numpy_lacks_have_their_names(kind: int, name: str) -> None:
    found = onnx.ModelProto()
    found.graph.initializer.add(name="w", data_type=kind, dims=[4, 4])
    assert precision(found.SerializeToString()) == name


def test_most_of_the_weights_decide_and_not_most_of_the_tensors(tmp_path: Path) -> None:
    scales = {f"scale{i}": FLOAT[:2] for i in range(10)}
    content = model(tmp_path / "m.onnx", w=(100 * FLOAT).astype(np.int8), **scales)
    assert precision(content) == "int8"


def test_indices_and_shapes_are_no_weights(tmp_path: Path) -> None:
    assert precision(model(tmp_path / "m.onnx", indices=INDICES, w=FLOAT)) == "float32"
    bias = np.zeros(9_000, np.int32)
    assert precision(model(tmp_path / "m.onnx", bias=bias, w=FLOAT.astype(np.int8))) == "int8"


def test_without_weights_there_is_no_precision(tmp_path: Path) -> None:
    assert precision(model(tmp_path / "m.onnx")) == ""
    assert precision(model(tmp_path / "m.onnx", indices=INDICES)) == ""
    assert precision(b"") == ""


def test_a_single_number_is_a_weight(tmp_path: Path) -> None:
    content = model(tmp_path / "m.onnx", one=np.float16(1), none=np.zeros((0, 9), np.float32))
    assert precision(content) == "float16"


def test_sizes_may_be_packed() -> None:
    # As protobuf 3 writers have it: field 1 of TensorProto as bytes, 0x96 0x01 is 150.
    tensor = bytes([0x0A, 3, 0x96, 0x01, 2, 0x10, 3])
    small = bytes([0x08, 150, 0x01, 0x10, 1])
    graph = b"".join(bytes([0x2A, len(each)]) + each for each in (small, tensor))
    assert precision(bytes([0x3A, len(graph)]) + graph) == "int8"


def with_node(op_type: str, domain: str, wrap: str = "graph") -> bytes:
    """Give a model with a node of a domain: in its graph, in a branch of an If, in a function."""
    node = helper.make_node(op_type, ["x"], ["y"], domain=domain)
    found = onnx.ModelProto()
    if wrap == "graph":
        found.graph.node.append(node)
    elif wrap == "branch":
        branch = helper.make_graph([node], "branch", [], [])
        found.graph.node.append(helper.make_node("If", ["x"], ["y"], then_branch=branch))
    else:
        opsets = [helper.make_opsetid("", 18)]
        found.functions.append(helper.make_function("own", "F", ["x"], ["y"], [node], opsets))
    return found.SerializeToString()


@pytest.mark.parametrize("wrap", ["graph", "branch", "function"])
@pytest.mark.parametrize(
    ("op_type", "domain", "reason"),
    [
        ("EPContext", "com.microsoft", "compiled for one device"),
        ("EPContext", "", "compiled for one device"),
        ("Fast", "acme.ops", "operators of acme.ops"),
    ],
)
def test_blobs_and_foreign_operators_are_refused_wherever_they_are(
    op_type: str, domain: str, reason: str, wrap: str
) -> None:
    with pytest.raises(ModelError, match=reason):
        check(with_node(op_type, domain, wrap))


@pytest.mark.parametrize("domain", ["", "ai.onnx", "ai.onnx.ml", "com.microsoft"])
def test_operators_that_onnxruntime_has_are_not_refused(domain: str) -> None:
    check(with_node("Fast", domain))


def test_a_domain_of_the_models_own_functions_is_not_refused() -> None:
    found = onnx.ModelProto.FromString(with_node("Abs", "", "function"))
    found.graph.node.append(helper.make_node("F", ["x"], ["y"], domain="own"))
    check(found.SerializeToString())


def test_the_packaged_model_is_the_one_that_was_released(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read(PACKAGED)
    other = tmp_path / "lenet5.onnx"
    other.write_bytes(PACKAGED.read_bytes() + b"\x92\x01\0")  # a field that nobody knows
    monkeypatch.setattr(model_file, "PACKAGED", other)
    with pytest.raises(ModelError, match="reinstall digitlens"):
        read(other)
