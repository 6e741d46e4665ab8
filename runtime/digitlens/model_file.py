"""A model file before it is loaded: its bytes, and whether it holds all of its weights.

onnxruntime resolves external data of a model that it is given as bytes against the current
folder, so such a model is refused. The runtime has no `onnx` package: this walks the protobuf
wire format (protobuf.dev/programming-guides/encoding) along the few fields of onnx.proto that
can hold a tensor.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

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
_DIMS, _DATA_TYPE, _EXTERNAL_DATA, _DATA_LOCATION = 1, 2, 13, 14  # fields of TensorProto
_GRAPH, _INITIALIZER = 7, 5  # fields of ModelProto and GraphProto
_TYPE_NAMES = {1: "float32", 2: "uint8", 3: "int8", 10: "float16", 11: "float64", 16: "bfloat16",
               17: "float8", 18: "float8", 19: "float8", 20: "float8", 21: "uint4", 22: "int4",
               23: "float4"}  # fmt: skip
"""Names of the types of TensorProto that weights are kept in; indices and shapes are other ones."""

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
    try:
        for number, graph in _fields(memoryview(model)):
            if number == _GRAPH and isinstance(graph, memoryview):
                for field, tensor in _fields(graph):
                    if field == _INITIALIZER and isinstance(tensor, memoryview):
                        name, count = _type_and_size(tensor)
                        counts[name] += count
    except (IndexError, ValueError) as error:
        raise ModelError(_DAMAGED) from error
    del counts[""]
    return counts.most_common(1)[0][0] if counts else ""


def _type_and_size(tensor: memoryview) -> tuple[str, int]:
    name, count = "", 1
    for number, value in _fields(tensor):
        if number == _DIMS:
            for size in [value] if isinstance(value, int) else _packed(value):
                count *= size
        elif number == _DATA_TYPE and isinstance(value, int):
            name = _TYPE_NAMES.get(value, "")
    return name, count


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
