import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from command import Digitlens, assert_one_line_error
from digitlens.contract import OUTPUTS, TAPS
from digitlens.errors import ModelError, NotFoundError, UsageError
from digitlens.model_file import PACKAGED
from digitlens.session import Session


def test_it_gives_every_output_in_its_shape() -> None:
    outputs = Session().run(np.random.default_rng(0).random((3, 32, 32), np.float32))
    assert tuple(outputs) == OUTPUTS
    for tap in TAPS:
        assert outputs[tap.name].shape == (3, *tap.shape)
        assert outputs[tap.name].dtype == np.float32
    assert outputs["probabilities"].sum(1) == pytest.approx([1, 1, 1], abs=1e-5)


def test_it_gives_only_what_is_asked_for_and_takes_no_glyph_at_all() -> None:
    outputs = Session().run(np.zeros((0, 32, 32), np.float32), ["conv1"])
    assert {name: output.shape for name, output in outputs.items()} == {"conv1": (0, 6, 28, 28)}
    assert Session().run(np.zeros((1, 32, 32), np.float32), []) == {}


def test_all_nodes_really_run_on_the_processor() -> None:
    placement = Session(provider="CPUExecutionProvider").placement
    assert list(placement) == ["cpu"]
    assert placement["cpu"] >= 10


def test_unknown_and_missing_providers_are_told_apart() -> None:
    with pytest.raises(UsageError, match="did you mean openvino"):
        Session(provider="openvno")
    with pytest.raises(NotFoundError, match="cuda is not in this build"):
        Session(provider="cuda")
    with pytest.raises(UsageError, match="azure runs no node"):
        Session(provider="AzureExecutionProvider")


def test_it_runs_on_one_thread_that_does_not_spin_unless_told_otherwise() -> None:
    for threads, expected in ((None, 1), (1, 1), (3, 3)):
        options = Session(threads=threads)._session.get_session_options()
        assert (options.intra_op_num_threads, options.inter_op_num_threads) == (expected, 1)
        for name in ("session.intra_op.allow_spinning", "session.inter_op.allow_spinning"):
            assert options.get_session_config_entry(name) == "0"


def test_a_model_may_be_given_as_bytes() -> None:
    glyphs = np.random.default_rng(0).random((2, 32, 32), np.float32)
    for name, value in Session(PACKAGED.read_bytes()).run(glyphs).items():
        assert np.array_equal(value, Session().run(glyphs, [name])[name])


def without_contract(model: onnx.ModelProto) -> None:
    del model.metadata_props[:]


def with_broken_contract(model: onnx.ModelProto) -> None:
    model.metadata_props[0].value = '{"schema": 1'


def with_another_tap_shape(model: onnx.ModelProto) -> None:
    contract = json.loads(model.metadata_props[0].value)
    contract["taps"][0]["shape"] = [6, 27, 28]
    model.metadata_props[0].value = json.dumps(contract)


def with_contract(**fields: object) -> Callable[[onnx.ModelProto], None]:
    def damage(model: onnx.ModelProto) -> None:
        contract = json.loads(model.metadata_props[0].value)
        model.metadata_props[0].value = json.dumps(contract | fields)

    return damage


def with_a_second_input(model: onnx.ModelProto) -> None:
    second = model.graph.input.add()
    second.CopyFrom(model.graph.input[0])
    second.name = "other"


def with_an_output_missing(model: onnx.ModelProto) -> None:
    del model.graph.output[-1]


def with_an_unknown_operator(model: onnx.ModelProto) -> None:
    model.graph.node[0].op_type = "Convolute"


def with_external_data(model: onnx.ModelProto) -> None:
    tensor = model.graph.initializer[0]
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="weights.bin")
    tensor.ClearField("raw_data")


def with_external_data_in_an_attribute(model: onnx.ModelProto) -> None:
    node = model.graph.node.add(op_type="Constant", output=["unused"])
    tensor = onnx.TensorProto(data_type=1, dims=[1], data_location=onnx.TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="/etc/passwd")
    node.attribute.add(name="value", type=onnx.AttributeProto.TENSOR, t=tensor)


def with_a_fixed_batch(model: onnx.ModelProto) -> None:
    for value in [*model.graph.input, *model.graph.output]:
        value.type.tensor_type.shape.dim[0].dim_value = 1


def with_an_input_of_another_kind(model: onnx.ModelProto) -> None:
    contract = json.loads(model.metadata_props[0].value)
    contract["input"] = 5
    model.metadata_props[0].value = json.dumps(contract)


DAMAGES = [
    (with_a_fixed_batch, "input image has shape None"),
    (with_an_input_of_another_kind, "contract cannot be read"),
    (with_a_second_input, "it has the inputs image, other: give it one"),
    (with_contract(labels=["0"] * 10), "labels are"),
    (with_contract(labels=[]), "labels are"),
    (with_contract(taps=[{"name": "logits", "shape": [10], "layer": "x"}]), "name .* is taken"),
    (with_contract(taps=2 * [{"name": "conv1", "shape": [6, 28, 28], "layer": "x"}]), "is taken"),
    (with_contract(schema=99), "schema 99, this digitlens reads 1"),
    (without_contract, "no contract"),
    (with_broken_contract, "contract cannot be read"),
    (with_another_tap_shape, "output conv1 has shape"),
    (with_an_output_missing, "output fc1 has shape None"),
    (with_an_unknown_operator, "Convolute"),
    (with_external_data, "weights in another file"),
    (with_external_data_in_an_attribute, "weights in another file"),
]


@pytest.mark.parametrize(("damage", "reason"), DAMAGES)
def test_a_model_that_cannot_be_trusted_is_refused(
    tmp_path: Path, damage: Callable[[onnx.ModelProto], None], reason: str
) -> None:
    model = onnx.load(PACKAGED)
    damage(model)
    path = tmp_path / "damaged.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ModelError, match=reason) as error:
        Session(path)
    assert str(path) in str(error.value)


@pytest.mark.parametrize(
    "content",
    [b"", b"hello, world", b"\x80\x04", PACKAGED.read_bytes()[:-1000], b"\xff" * 4096],
    ids=["empty", "text", "pickle", "truncated", "ones"],
)
def test_what_is_no_onnx_file_is_one_line(
    digitlens: Digitlens, photo: Path, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "bad.onnx"
    path.write_bytes(content)
    assert_one_line_error(digitlens("classify", photo, "--model", path), 1, path)


def test_an_empty_name_is_not_the_packaged_model() -> None:
    with pytest.raises(ModelError, match="it is no regular file"):
        Session("")


def test_a_missing_model_is_not_found(digitlens: Digitlens, photo: Path) -> None:
    result = digitlens("classify", photo, "--model", "missing.onnx")
    assert_one_line_error(result, 2, "missing.onnx", "digitlens export")
