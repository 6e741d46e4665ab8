"""A model file before it is loaded: its bytes, and whether it holds all of its weights.

onnxruntime resolves external data of a model that it is given as bytes against the current
folder, so such a model is refused. The runtime has no `onnx` package: this walks the protobuf
wire format (protobuf.dev/programming-guides/encoding) along the few fields of onnx.proto that
can hold a tensor.
"""

import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from digitlens.errors import ModelError, NotFoundError

PACKAGED = Path(__file__).parent / "models" / "lenet5.onnx"

# message → {field number: message found there}, from onnx.proto
_FIELDS = {
    "Model": {7: "Graph", 25: "Function"},
    "Graph": {1: "Node", 5: "Tensor", 15: "SparseTensor"},
    "Function": {7: "Node", 11: "Attribute"},
    "Node": {5: "Attribute"},
    "Attribute": {5: "Tensor", 6: "Graph", 10: "Tensor", 11: "Graph", 22: "SparseTensor",
                  23: "SparseTensor"},
    "SparseTensor": {1: "Tensor", 2: "Tensor"},
    "Tensor": {},
}  # fmt: skip
_DIMS, _DATA_TYPE, _NAME, _RAW_DATA = 1, 2, 8, 9  # fields of TensorProto
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14
_GRAPH, _INITIALIZER = 7, 5  # fields of ModelProto and GraphProto
_TYPE_NAMES = {1: "float32", 2: "uint8", 3: "int8", 10: "float16", 11: "float64", 16: "bfloat16",
               17: "float8", 18: "float8", 19: "float8", 20: "float8", 21: "uint4", 22: "int4",
               23: "float4"}  # fmt: skip
"""Names of the types of TensorProto that weights are kept in; indices and shapes are other ones."""
_FLOAT32 = "float32"

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MAX_DEPTH = 50
_DAMAGED = "the model is no ONNX file (its protobuf is damaged): make one with 'digitlens export'"


def read(path: Path) -> bytes:
    """Read a model file and check that it is whole.

    Raises:
        NotFoundError: there is no such file.
        ModelError: it cannot be read, is no ONNX file, or keeps weights outside itself.
    """
    try:
        if path.exists() and not path.is_file():  # a pipe is waited for, /dev/zero never ends
            raise ModelError("it is no regular file: name an ONNX file")
        model = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotFoundError(f"no model file {path}: make one with 'digitlens export'") from error
    except OSError as error:
        raise ModelError(f"it cannot be read ({error.strerror}): name an ONNX file") from error
    check(model)
    return model


def check(model: bytes) -> None:
    """Raise `ModelError` unless `model` is a protobuf without external data."""
    try:
        is_external = any(
            number == _EXTERNAL_DATA or (number == _DATA_LOCATION and value == 1)
            for number, value in _tensor_fields(memoryview(model), "Model", 0)
        )
    except (IndexError, ValueError) as error:
        raise ModelError(_DAMAGED) from error
    if is_external:
        raise ModelError(
            "the model keeps weights in another file, which is refused: "
            "save it with its weights inside (save_as_external_data=False)"
        )


def precision(model: bytes) -> str:
    """Name the type that holds most of the weights, such as `float32`; "" where there are none.

    Raises:
        ModelError: it is no ONNX file.
    """
    counts: Counter[str] = Counter()
    for tensor in _initializers(model):
        counts[tensor.type] += math.prod(tensor.shape)
    del counts[""]
    return counts.most_common(1)[0][0] if counts else ""


def weights(model: bytes) -> dict[str, NDArray[np.float32]]:
    """Give the float32 initializers by name, as far as they are kept as raw bytes.

    Raises:
        ModelError: it is no ONNX file.
    """
    found = {}
    for tensor in _initializers(model):
        if tensor.type == _FLOAT32 and len(tensor.raw) == 4 * math.prod(tensor.shape):
            found[tensor.name] = np.frombuffer(tensor.raw, "<f4").reshape(tensor.shape)
    return found


class _Initializer(NamedTuple):
    name: str
    type: str
    shape: tuple[int, ...]
    raw: memoryview


def _initializers(model: bytes) -> list[_Initializer]:
    try:
        return [
            _initializer(tensor)
            for number, graph in _fields(memoryview(model))
            if number == _GRAPH and isinstance(graph, memoryview)
            for field, tensor in _fields(graph)
            if field == _INITIALIZER and isinstance(tensor, memoryview)
        ]
    except (IndexError, ValueError) as error:
        raise ModelError(_DAMAGED) from error


def _initializer(tensor: memoryview) -> _Initializer:
    name, kind, shape, raw = "", "", list[int](), memoryview(b"")
    for number, value in _fields(tensor):
        if number == _DIMS:
            shape += [value] if isinstance(value, int) else _packed(value)
        elif number == _DATA_TYPE and isinstance(value, int):
            kind = _TYPE_NAMES.get(value, "")
        elif number == _NAME and isinstance(value, memoryview):
            name = bytes(value).decode(errors="replace")
        elif number == _RAW_DATA and isinstance(value, memoryview):
            raw = value
    return _Initializer(name, kind, tuple(shape), raw)


def _packed(data: memoryview) -> Iterator[int]:
    position = 0
    while position < len(data):
        value, position = _varint(data, position)
        yield value


def _tensor_fields(data: memoryview, message: str, depth: int) -> Iterator[tuple[int, object]]:
    if depth > _MAX_DEPTH:
        raise ValueError("nested too deeply")
    for number, value in _fields(data):
        inner = _FIELDS[message].get(number)
        if inner and isinstance(value, memoryview):
            yield from _tensor_fields(value, inner, depth + 1)
        elif message == "Tensor":
            yield number, value


def _fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    position = 0
    while position < len(data):
        key, position = _varint(data, position)
        number, wire_type = key >> 3, key & 7
        if wire_type == _VARINT:
            value, position = _varint(data, position)
            yield number, value
            continue
        if wire_type == _BYTES:
            size, position = _varint(data, position)
        elif wire_type in (_FIXED64, _FIXED32):
            size = 8 if wire_type == _FIXED64 else 4
        else:
            raise ValueError(f"wire type {wire_type}")
        if position + size > len(data):
            raise ValueError("truncated")
        yield number, data[position : position + size]
        position += size


def _varint(data: memoryview, position: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise ValueError("varint of more than ten bytes")
