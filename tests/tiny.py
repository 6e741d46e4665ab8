"""Small ONNX models, made where a test needs them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

Shape = Sequence[int | str | None]


def value(name: str, shape: Shape, kind: int = TensorProto.FLOAT) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def save(
    path: Path,
    nodes: Sequence[NodeProto],
    inputs: Sequence[ValueInfoProto],
    outputs: Sequence[ValueInfoProto],
    **initializers: np.ndarray,
) -> Path:
    kept = [numpy_helper.from_array(array, name) for name, array in initializers.items()]
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, kept)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)
    return path


def absolute(path: Path, *shapes: Shape, kind: int = TensorProto.FLOAT) -> Path:
    """Save a model that gives the absolute values `y0`, `y1` … of its inputs `x0`, `x1` …."""
    numbers = range(len(shapes))
    return save(
        path,
        [helper.make_node("Abs", [f"x{i}"], [f"y{i}"]) for i in numbers],
        [value(f"x{i}", shape, kind) for i, shape in enumerate(shapes)],
        [value(f"y{i}", shape, kind) for i, shape in enumerate(shapes)],
    )
