"""The ONNX graph of a network: exported by torch, then written out plainly.

torch names values after its own internals, and stores the exporting machine's source lines in
every node. Here the graph is written anew with only what computes: nodes named after what they
compute, the weights after PyTorch's names, and nothing else. The same weights give the same bytes.

One layer is not left as it was: onnxruntime's float32 Gemm adds the 84 products of a logit one
after the other, and where logits reach 20 that alone is off by up to 1e-5, the whole tolerance of
the proof. Two Gemms of 42 products, added, leave a third of it free, and cost a little time.
"""

import contextlib
import io
import logging
import warnings
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper
from torch import Tensor, nn

import digitlens
from digitlens.contract import (
    GLYPH_SIZE,
    GRAPH_ORDER,
    IMAGE,
    LABELS,
    LOGITS,
    METADATA_KEY,
    OUTPUTS,
    TAPS,
    Contract,
)
from digitlens_train.model import LeNet

OPSET = 18
IR_VERSION = 8
"""ONNX 1.13 of December 2022; onnxruntime reads it from 1.14 on."""


def build(model: LeNet) -> onnx.ModelProto:
    """Export `model` with all of its activations as outputs, in the contract's order."""
    exported = _export(model)
    renames = _renames(exported)
    nodes = [
        helper.make_node(
            node.op_type,
            [renames.get(name, name) for name in node.input],
            [renames.get(name, name) for name in node.output],
            name=renames.get(node.output[0], node.output[0]),
        )
        for node in exported.node
    ]
    for node, original in zip(nodes, exported.node, strict=True):
        node.attribute.extend(sorted(original.attribute, key=lambda attribute: attribute.name))
    weights = {renames[i.name]: numpy_helper.to_array(i) for i in exported.initializer}
    nodes = [part for node in nodes for part in _in_halves(node, weights)]
    initializers = [numpy_helper.from_array(weight, name) for name, weight in weights.items()]
    shapes = {tap.name: tap.shape for tap in TAPS}
    outputs = [_value(name, shapes.get(name, (len(LABELS),))) for name in OUTPUTS]
    image = _value(IMAGE, (1, GLYPH_SIZE, GLYPH_SIZE))
    graph = helper.make_graph(nodes, "lenet5", [image], outputs, initializers)
    built = helper.make_model(
        graph,
        ir_version=IR_VERSION,
        opset_imports=[helper.make_opsetid("", OPSET)],
        producer_name="digitlens",
        producer_version=digitlens.__version__,
    )
    onnx.checker.check_model(built, full_check=True)
    return built


def with_contract(model: onnx.ModelProto, contract: Contract) -> bytes:
    """Serialise `model` with `contract` as its one metadata property."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    helper.set_model_props(result, {METADATA_KEY: contract.to_json()})
    return bytes(result.SerializeToString(deterministic=True))


class _AllOutputs(nn.Module):
    def __init__(self, model: LeNet) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.model.activations(image).values())


def _export(model: LeNet) -> onnx.GraphProto:
    """Let torch export `model`; what it prints is neither a result nor progress of ours."""
    image = torch.zeros(2, 1, GLYPH_SIZE, GLYPH_SIZE)
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            _AllOutputs(model).eval(),
            (image,),
            dynamo=True,
            opset_version=OPSET,
            input_names=[IMAGE],
            output_names=list(GRAPH_ORDER),
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            external_data=False,
            verbose=False,
        )
    log.setLevel(level)
    assert program is not None
    graph: onnx.GraphProto = program.model_proto.graph
    return graph


def _renames(graph: onnx.GraphProto) -> dict[str, str]:
    """Plain names: weights as in the checkpoint, inner values after the output they lead to."""
    consumers = {name: node for node in graph.node for name in node.input}
    renames: dict[str, str] = {}

    def after_consumer(value: str, kind: str) -> str:
        following = consumers[value].output[0]
        return f"{renames.get(following, following)}.{kind}"

    for node in reversed(graph.node):
        value = node.output[0]
        if value not in OUTPUTS:
            renames[value] = after_consumer(value, node.op_type.lower())
    for tensor in graph.initializer:
        weight = tensor.name.removeprefix("model.")
        is_weight = weight != tensor.name
        renames[tensor.name] = weight if is_weight else after_consumer(tensor.name, "constant")
    return renames


def _in_halves(node: NodeProto, weights: dict[str, NDArray[Any]]) -> list[NodeProto]:
    """Split the Gemm that gives the logits in two, and `weights` with it; keep other nodes."""
    if node.output[0] != LOGITS:
        return [node]
    source, weight, bias = node.input
    halves = [f"{LOGITS}.split{i}" for i in (0, 1)]
    sums = [f"{LOGITS}.gemm{i}" for i in (0, 1)]
    names = [f"{weight}{i}" for i in (0, 1)]
    left, right = np.split(weights.pop(weight), 2, axis=1)
    weights |= {names[0]: np.ascontiguousarray(left), names[1]: np.ascontiguousarray(right)}
    return [
        helper.make_node("Split", [source], halves, f"{LOGITS}.split", axis=1, num_outputs=2),
        helper.make_node("Gemm", [halves[0], names[0], bias], [sums[0]], sums[0], transB=1),
        helper.make_node("Gemm", [halves[1], names[1]], [sums[1]], sums[1], transB=1),
        helper.make_node("Add", sums, [LOGITS], LOGITS),
    ]


def _value(name: str, shape: tuple[int, ...]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *shape])
