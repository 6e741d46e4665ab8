from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

import models
from digitlens import Reader, model_file
from digitlens.contract import GRAPH_ORDER
from digitlens.serve.network import UNKNOWN, layers_of
from digitlens.session import Session


def test_the_layers_of_the_packaged_model_are_lenets() -> None:
    layers = layers_of(Reader().session, None)
    assert [layer.name for layer in layers] == ["image", *GRAPH_ORDER]
    assert [layer.kind for layer in layers] == [
        "input", "convolution", "pooling", "convolution", "pooling", "convolution", "linear",
        "linear", "softmax",
    ]  # fmt: skip
    numbers = [n for each in layers for n in (each.weight, each.bias) if n is not None]
    assert sum(n.size for n in numbers) == 61_706 + 1  # and the temperature
    assert [layer.has_tanh for layer in layers].count(True) == 4


def test_a_model_of_our_own_is_explained_too(model_file: Path) -> None:
    layers = layers_of(Session(model_file), model_file)
    assert UNKNOWN not in {layer.kind for layer in layers}


@pytest.mark.parametrize("change", ["name", "sign"])
def test_weights_that_do_not_give_what_onnxruntime_gives_are_not_believed(
    tmp_path: Path, change: str
) -> None:
    model = onnx.load(str(model_file.PACKAGED))
    (weight,) = (each for each in model.graph.initializer if each.name == "conv2.weight")
    if change == "name":
        decoy = numpy_helper.from_array(-numpy_helper.to_array(weight), "conv2.weight")
        weight.name = "kernels"
        model.graph.initializer.append(decoy)
        for node in model.graph.node:
            node.input[:] = [name.replace("conv2.weight", "kernels") for name in node.input]
    else:
        (tanh,) = (node for node in model.graph.node if node.output[0] == "conv2")
        tanh.op_type = "Sin"
    path = tmp_path / "other.onnx"
    models.save(model, path)
    layers = layers_of(Session(path), path)
    assert {layer.kind for layer in layers[1:]} == {UNKNOWN}
    assert all(layer.weight is None for layer in layers)


def test_weights_are_read_as_onnx_reads_them() -> None:
    content = model_file.PACKAGED.read_bytes()
    expected = {
        each.name: numpy_helper.to_array(each)
        for each in onnx.load_from_string(content).graph.initializer
        if each.data_type == onnx.TensorProto.FLOAT
    }
    found = model_file.weights(content)
    assert found.keys() == expected.keys()
    for name, values in found.items():
        assert np.array_equal(values, expected[name])
