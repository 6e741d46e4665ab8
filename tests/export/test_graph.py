import onnx
import pytest
import torch

from digitlens.contract import OUTPUTS, TAPS
from digitlens.model_file import weights_sha256
from digitlens_export import graph
from digitlens_train.model import LeNet
from digitlens_train.run import Run


@pytest.fixture(scope="module")
def model() -> LeNet:
    torch.manual_seed(0)
    return LeNet().eval()


@pytest.fixture(scope="module")
def built(model: LeNet) -> onnx.ModelProto:
    return graph.build(model)


def test_inputs_and_outputs_are_those_of_the_contract_in_its_order(built: onnx.ModelProto) -> None:
    def shape(value: onnx.ValueInfoProto) -> list[object]:
        return [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim]

    assert [i.name for i in built.graph.input] == ["image"]
    assert shape(built.graph.input[0]) == ["batch", 1, 32, 32]
    assert [o.name for o in built.graph.output] == list(OUTPUTS)
    expected = [["batch", 10]] * 2 + [["batch", *tap.shape] for tap in TAPS]
    assert [shape(o) for o in built.graph.output] == expected


def test_ir_and_opset_are_old_and_the_checker_agrees(built: onnx.ModelProto) -> None:
    assert built.ir_version == 8
    assert [(o.domain, o.version) for o in built.opset_import] == [("", 18)]
    onnx.checker.check_model(built, full_check=True)
    assert {node.domain for node in built.graph.node} == {""}


def test_it_holds_all_parameters_once_and_nothing_outside(built: onnx.ModelProto) -> None:
    floats = [i for i in built.graph.initializer if i.data_type == onnx.TensorProto.FLOAT]
    assert sum(onnx.numpy_helper.to_array(i).size for i in floats) == 61_706
    assert not any(i.external_data for i in built.graph.initializer)


def test_nothing_of_the_exporting_machine_is_in_it(built: onnx.ModelProto) -> None:
    assert not any(node.metadata_props or node.doc_string for node in built.graph.node)
    assert not built.metadata_props
    text = onnx.printer.to_text(_without_weights(built))
    for word in ("/", ".py", "forward", "aten", "torch"):
        assert word not in text


def _without_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    bare = onnx.ModelProto()
    bare.CopyFrom(model)
    del bare.graph.initializer[:]
    return bare


def sha256(model: onnx.ModelProto) -> str:
    return weights_sha256(model.SerializeToString())


def test_the_same_weights_give_the_same_bytes(model: LeNet, built: onnx.ModelProto) -> None:
    assert graph.build(model).SerializeToString() == built.SerializeToString()
    assert sha256(graph.build(model)) == sha256(built)


def test_the_hash_changes_with_a_weight(run: Run) -> None:
    changed = run.load_model()
    before = sha256(graph.build(changed))
    with torch.no_grad():
        changed.fc1.bias[3] += 1e-6
    assert sha256(graph.build(changed)) != before
