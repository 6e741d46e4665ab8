"""A model file before it is loaded: its bytes, whether all is in them, and what it would run.

onnxruntime resolves external data of a model that it is given as bytes against the current
folder, and a node EPContext can name a compiled blob in another file, so such models are refused,
and operators that onnxruntime does not bring itself. The runtime has no `onnx` package: this walks
the protobuf wire format (protobuf.dev/programming-guides/encoding) along the few fields of
onnx.proto that can hold a tensor or a node.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from digitlens.errors import ModelError, NotFoundError

PACKAGED = Path(__file__).parent / "models" / "lenet5.onnx"
PACKAGED_SHA256 = "1617edc3124a4886ecab1dc6d937b5e8808e5535897d03178e2ebe5b697f3669"
"""Of the packaged file's bytes; `scripts/package_model.py` writes it."""

DOMAINS = ("", "ai.onnx", "ai.onnx.ml", "com.microsoft")
"""Of the operators that are built into onnxruntime; a model's own functions may have others."""

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
_OP_TYPE, _DOMAIN = 4, 7  # fields of NodeProto
_FUNCTION_DOMAIN = 10  # field of FunctionProto
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
        ModelError: it cannot be read, is the packaged one and damaged, or `check` refuses it.
    """
    try:
        if path.exists() and not path.is_file():  # a pipe is waited for, /dev/zero never ends
            raise ModelError("it is no regular file: name an ONNX file")
        model = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotFoundError(f"no model file {path}: make one with 'digitlens export'") from error
    except OSError as error:
        raise ModelError(f"it cannot be read ({error.strerror}): name an ONNX file") from error
    if path == PACKAGED and hashlib.sha256(model).hexdigest() != PACKAGED_SHA256:
        raise ModelError("the packaged model is not the one that was released: reinstall digitlens")
    check(model)
    return model


def check(model: bytes) -> None:
    """Raise `ModelError` unless `model` is a protobuf that needs nothing but onnxruntime itself.

    Refused are weights in other files, compiled blobs (EPContext), and operators of domains other
    than `DOMAINS` and those of the model's own functions.
    """
    domains, own = set[str](), set(DOMAINS)
    try:
        for message, number, value in _leaves(memoryview(model), "Model", 0):
            if message == "Tensor":
                if number == _EXTERNAL_DATA or (number == _DATA_LOCATION and value == 1):
                    raise ModelError(
                        "the model keeps weights in another file, which is refused: "
                        "save it with its weights inside (save_as_external_data=False)"
                    )
            elif not isinstance(value, memoryview):
                continue
            elif message == "Function" and number == _FUNCTION_DOMAIN:
                own.add(_text(value))
            elif message == "Node" and number == _DOMAIN:
                domains.add(_text(value))
            elif message == "Node" and number == _OP_TYPE and _text(value) == "EPContext":
                raise ModelError(
                    "the model holds or names a blob that was compiled for one device (EPContext), "
                    "which is refused: take the model that it was compiled from"
                )
    except (IndexError, ValueError) as error:
        raise ModelError(_DAMAGED) from error
    if foreign := domains - own:
        raise ModelError(
            f"the model needs operators of {', '.join(sorted(foreign))}, which onnxruntime does "
            "not have: export it with operators of ONNX alone"
        )


def weights_sha256(model: bytes) -> str:
    """Give the SHA-256 over the initializers in the order of their names: name, then raw bytes.

    Raises:
        ModelError: it is no ONNX file.
    """
    digest = hashlib.sha256()
    for tensor in sorted(_initializers(model), key=lambda tensor: tensor.name):
        digest.update(tensor.name.encode())
        digest.update(tensor.raw)
    return digest.hexdigest()


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
            name = _text(value)
        elif number == _RAW_DATA and isinstance(value, memoryview):
            raw = value
    return _Initializer(name, kind, tuple(shape), raw)


def _packed(data: memoryview) -> Iterator[int]:
    position = 0
    while position < len(data):
        value, position = _varint(data, position)
        yield value


def _leaves(data: memoryview, message: str, depth: int) -> Iterator[tuple[str, int, object]]:
    """Give the fields that hold no message of `_FIELDS`: the message, the number, the value."""
    if depth > _MAX_DEPTH:
        raise ValueError("nested too deeply")
    for number, value in _fields(data):
        inner = _FIELDS[message].get(number)
        if inner and isinstance(value, memoryview):
            yield from _leaves(value, inner, depth + 1)
        else:
            yield message, number, value


def _text(value: memoryview) -> str:
    return bytes(value).decode(errors="replace")


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
