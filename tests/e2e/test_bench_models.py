"""`digitlens bench` on models of other networks."""

import os
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from benchmark import assert_one_line, bench, rows_of, save_model
from command import Digitlens
from digitlens.model_file import PACKAGED

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64
IMAGES = (FLOAT, ["batch", 3])
RELU = helper.make_node("Relu", ["x"], ["y"])


@pytest.fixture
def tokens(tmp_path: Path) -> Path:
    """Token ids that look up two vectors, times a float mask."""
    table = numpy_helper.from_array(np.arange(6, dtype=np.float32).reshape(2, 3), "table")
    axes = numpy_helper.from_array(np.array([-1]), "axes")
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["vectors"]),
        helper.make_node("Unsqueeze", ["mask", "axes"], ["column"]),
        helper.make_node("Mul", ["vectors", "column"], ["y"]),
    ]
    shape = ["batch", "sequence"]
    inputs = {"ids": (INT64, shape), "mask": (FLOAT, shape)}
    return save_model(tmp_path / "tokens.onnx", nodes, inputs, weights=[table, axes])


def test_a_dimension_without_a_size_is_asked_for(digitlens: Digitlens, tokens: Path) -> None:
    result = bench(digitlens, tokens)
    assert_one_line(result, 2, tokens, "the input ids", "--dim sequence=SIZE")


def test_a_model_of_several_inputs_is_measured(digitlens: Digitlens, tokens: Path) -> None:
    rows = rows_of(digitlens, tokens, "--dim", "sequence=7", "--batch", 4)
    assert [row["batch"] for row in rows] == [1, 4]
    for row in rows:
        assert (row["status"], row["kind"], row["accuracy"]) == ("ok", "network", None)
        assert (row["max_error"], row["of_limit"], row["precision"]) == (0, None, "float32")
        assert sum(row["placement"].values()) >= 2
        assert row["taps_latency_us"] is None


def test_a_given_batch_is_the_only_one(digitlens: Digitlens, tokens: Path) -> None:
    sizes = ("--dim", "batch=3", "--dim", "sequence=7", "--batch", 4)
    (row,) = rows_of(digitlens, tokens, *sizes)
    assert (row["status"], row["batch"]) == ("ok", 3)


def test_a_dimension_that_the_model_lacks_is_told(digitlens: Digitlens, tokens: Path) -> None:
    result = bench(digitlens, tokens, "--dim", "sequenze=7")
    assert_one_line(result, 2, "sequenze", "batch, sequence")


def test_a_dimension_without_a_name_has_that_of_its_place(
    digitlens: Digitlens, tmp_path: Path
) -> None:
    model = save_model(tmp_path / "m.onnx", [RELU], {"x": (FLOAT, [None, None, 3])})
    assert_one_line(bench(digitlens, model), 2, "--dim x.1=SIZE")
    assert_one_line(bench(digitlens, model, "--dim", "y=1"), 2, "x.0, x.1")
    (row,) = rows_of(digitlens, model, "--dim", "x.1=2")
    assert row["status"] == "ok"


def test_a_model_of_fixed_shape_has_its_own_batch(digitlens: Digitlens, tmp_path: Path) -> None:
    model = save_model(tmp_path / "m.onnx", [RELU], {"x": (FLOAT, [5, 3])})
    (row,) = rows_of(digitlens, model, "--batch", 4)
    assert (row["status"], row["batch"]) == ("ok", 5)
    assert_one_line(bench(digitlens, model, "--dim", "batch=1"), 2, "batch", "it has none")


def test_inputs_of_every_type_are_made_up(digitlens: Digitlens, tmp_path: Path) -> None:
    kinds = ["BOOL", "FLOAT16", "DOUBLE", "INT8", "UINT8", "INT32", "UINT64"]
    types = {kind.lower(): TensorProto.DataType.Value(kind) for kind in kinds}
    nodes = [helper.make_node("Identity", [name], [f"{name} out"]) for name in types]
    outputs = [helper.make_tensor_value_info(f"{n} out", t, None) for n, t in types.items()]
    inputs = {name: (kind, ["batch", 3]) for name, kind in types.items()}
    scalar = {"scalar": (FLOAT, [])}
    nodes.append(helper.make_node("Relu", ["scalar"], ["y"]))
    model = save_model(tmp_path / "m.onnx", nodes, inputs | scalar, [*outputs, "y"])
    (row,) = rows_of(digitlens, model)
    assert (row["status"], row["max_error"]) == ("ok", 0)


def test_an_input_that_cannot_be_made_up_is_told(digitlens: Digitlens, tmp_path: Path) -> None:
    node = helper.make_node("StringNormalizer", ["words"], ["y"])
    text = helper.make_tensor_value_info("y", TensorProto.STRING, None)
    inputs = {"words": (TensorProto.STRING, ["batch"])}
    model = save_model(tmp_path / "m.onnx", [node], inputs, [text])
    assert_one_line(bench(digitlens, model), 2, "the input words", "tensor(string)")


def test_an_input_that_is_too_large_is_told(digitlens: Digitlens, tmp_path: Path) -> None:
    model = save_model(tmp_path / "m.onnx", [RELU], {"x": (FLOAT, ["batch", "h", "w"])})
    sizes = ("--batch", 65536, "--dim", "h=1000000", "--dim", "w=1000000")
    assert_one_line(bench(digitlens, model, *sizes), 2, "the input x", "memory")


def test_text_is_compared(digitlens: Digitlens, tmp_path: Path) -> None:
    machine_learning = {"domain": "ai.onnx.ml"}
    nodes = [
        helper.make_node("ArgMax", ["x"], ["best"], axis=1, keepdims=0),
        helper.make_node(
            "LabelEncoder",
            ["best"],
            ["label"],
            keys_int64s=[0, 1, 2],
            values_strings=["one", "two", "drei"],
            **machine_learning,
        ),
    ]
    text = helper.make_tensor_value_info("label", TensorProto.STRING, None)
    model = save_model(tmp_path / "m.onnx", nodes, {"x": IMAGES}, [text])
    (row,) = rows_of(digitlens, model)
    assert (row["status"], row["reason"], row["max_error"]) == ("ok", None, 0)


def test_an_output_that_is_no_tensor_is_told(digitlens: Digitlens, tmp_path: Path) -> None:
    node = helper.make_node("SequenceConstruct", ["x", "x"], ["sequence"])
    output = helper.make_tensor_sequence_value_info("sequence", FLOAT, None)
    model = save_model(tmp_path / "m.onnx", [node], {"x": IMAGES}, [output])
    assert_one_line(bench(digitlens, model), 1, model, "sequence is no tensor")


def test_inputs_and_outputs_may_have_any_name(digitlens: Digitlens, tmp_path: Path) -> None:
    name = "a/b:0"
    nodes = [helper.make_node("Relu", [name], ["y"]), helper.make_node("Exp", ["z"], ["args"])]
    model = save_model(tmp_path / "m.onnx", nodes, {name: IMAGES, "z": IMAGES}, ["y", "args"])
    (row,) = rows_of(digitlens, model)
    assert (row["status"], row["max_error"]) == ("ok", 0)


def test_outputs_that_are_no_numbers_are_equal(digitlens: Digitlens, tmp_path: Path) -> None:
    one = numpy_helper.from_array(np.float32(2), "two")
    nodes = [helper.make_node("Sub", ["x", "two"], ["d"]), helper.make_node("Log", ["d"], ["y"])]
    model = save_model(tmp_path / "m.onnx", nodes, {"x": IMAGES}, weights=[one])
    (row,) = rows_of(digitlens, model)
    assert (row["status"], row["max_error"]) == ("ok", 0)


def test_a_model_that_throws_dice_is_refused(digitlens: Digitlens, tmp_path: Path) -> None:
    dice = helper.make_node("RandomNormalLike", ["x"], ["y"])
    model = save_model(tmp_path / "m.onnx", [dice], {"x": IMAGES})
    assert_one_line(bench(digitlens, model), 1, model, "differs from one run to the next")


def test_a_model_that_takes_long_is_not_taken_for_hanging(
    digitlens: Digitlens, tmp_path: Path
) -> None:
    square = (FLOAT, [1024, 1024])
    nodes = [helper.make_node("MatMul", ["x", "x"], ["s"]), helper.make_node("Relu", ["s"], ["y"])]
    model = save_model(tmp_path / "m.onnx", nodes, {"x": square})
    (row,) = rows_of(digitlens, model, "--timeout", 1, "--queries", 300)
    assert (row["status"], row["reason"]) == ("ok", None)


def test_weights_outside_the_file_are_refused(digitlens: Digitlens, tmp_path: Path) -> None:
    weight = numpy_helper.from_array(np.ones((3, 3), np.float32), "w")
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    model = save_model(tmp_path / "m.onnx", [node], {"x": IMAGES}, weights=[weight])
    loaded = onnx.load(model)
    onnx.save(loaded, model, save_as_external_data=True, location="weights", size_threshold=0)
    assert_one_line(bench(digitlens, model), 1, model, "weights in another file")


def test_what_is_no_model_is_told(digitlens: Digitlens, tmp_path: Path) -> None:
    model = save_model(tmp_path / "m.onnx", [RELU], {"x": IMAGES})
    loaded = onnx.load(model)
    loaded.graph.node[0].op_type = "Rely"
    onnx.save(loaded, tmp_path / "operator.onnx")
    (tmp_path / "text.onnx").write_text("no model")
    (tmp_path / "empty.onnx").touch()
    (tmp_path / "half.onnx").write_bytes(model.read_bytes()[:-5])
    unfinished_size = b"\x0a\x01\x80"
    tensor = b"\x2a\x03" + unfinished_size
    (tmp_path / "size.onnx").write_bytes(b"\x3a\x05" + tensor)
    for name in ("operator", "text", "empty", "half", "size"):
        path = tmp_path / f"{name}.onnx"
        assert_one_line(bench(digitlens, path), 1, path)
    os.mkfifo(tmp_path / "pipe.onnx")
    for path in (tmp_path, tmp_path / "pipe.onnx"):
        assert_one_line(bench(digitlens, path), 1, path, "no regular file")
    assert_one_line(bench(digitlens, tmp_path / "none.onnx"), 2, tmp_path / "none.onnx")


def test_a_contract_that_cannot_be_read_is_told(digitlens: Digitlens, tmp_path: Path) -> None:
    model = onnx.load(save_model(tmp_path / "m.onnx", [RELU], {"x": IMAGES}))
    helper.set_model_props(model, {"digitlens": "{}"})
    onnx.save(model, tmp_path / "m.onnx")
    assert_one_line(bench(digitlens, tmp_path / "m.onnx"), 1, "contract cannot be read")


def test_models_are_measured_side_by_side(digitlens: Digitlens, tmp_path: Path) -> None:
    other = save_model(tmp_path / "other.onnx", [RELU], {"x": (FLOAT, [5, 3])})
    result = bench(digitlens, PACKAGED, "--model", other)
    assert result.status == 0
    names = [line.split("  ")[0] for line in result.out.splitlines()]
    assert "cpu, lenet5" in names
    assert "cpu, other" in names
