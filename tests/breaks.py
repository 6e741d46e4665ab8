"""Ways to break a model: each with the first output, in graph order, that is then off."""

import onnx


def change_weight(model: onnx.ModelProto) -> None:
    weight = next(i for i in model.graph.initializer if i.name == "conv2.weight")
    array = onnx.numpy_helper.to_array(weight).copy()
    array[3, 2, 1, 0] += 1e-3
    weight.raw_data = array.tobytes()


def change_pooling(model: onnx.ModelProto) -> None:
    node = next(node for node in model.graph.node if node.output[0] == "pool1")
    node.op_type = "MaxPool"
    for attribute in [a for a in node.attribute if a.name == "count_include_pad"]:
        node.attribute.remove(attribute)


def swap_outputs(model: onnx.ModelProto) -> None:
    names = {"logits": "probabilities", "probabilities": "logits"}
    for node in model.graph.node:
        node.output[0] = names.get(node.output[0], node.output[0])
    softmax = next(node for node in model.graph.node if node.op_type == "Softmax")
    softmax.input[0] = "probabilities"


BREAKS = [(change_weight, "conv2"), (change_pooling, "pool1"), (swap_outputs, "logits")]
