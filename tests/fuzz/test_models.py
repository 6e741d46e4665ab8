"""300 model files and contracts that are damaged or lie: a reading or one line, and no more."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest

import forked
from command import assert_one_line_error
from digitlens.model_file import PACKAGED
from models import with_right_digest
from mutate import CHANGES

EACH = 100
SECONDS = 60.0
VALUES = (None, True, 0, -1, 1, 3.5, 1e308, float("nan"), "", "conv1", "logits", "\ud800", [], [[]],
          [0], [-1, 2], [1, 32, 32], {}, {"name": 1}, 2**70, "x" * 10_000)  # fmt: skip


def damaged(dice: random.Random) -> bytes:
    """Change some bytes, mostly of what is no weight: the graph, and the contract at the end."""
    content = PACKAGED.read_bytes()
    size = dice.choice((3000, 3000, len(content)))
    part = bytearray(content[:size] if dice.random() < 0.5 else content[-size:])
    is_head = part == content[:size]
    for _ in range(dice.choice((1, 1, 2, 4))):
        dice.choice(CHANGES)(part, dice)
    return bytes(part) + content[size:] if is_head else content[:-size] + bytes(part)


def with_another_contract(dice: random.Random) -> bytes:
    """Put other values into the contract, take fields out, or nest it deeply."""
    model = onnx.load(PACKAGED)
    contract = json.loads(model.metadata_props[0].value)
    for _ in range(dice.choice((1, 1, 2, 3))):
        place: Any = contract
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            key = dice.choice(keys)
            if isinstance(place[key], dict | list) and place[key] and dice.random() < 0.7:
                place = place[key]
                continue
            if dice.random() < 0.3:
                del place[key]
            else:
                place[key] = dice.choice(VALUES)
            break
        if not contract:
            break
    text = json.dumps(contract)
    if dice.random() < 0.1:
        text = dice.choice(
            ("[" * 100_000, '{"schema":' * 5000, "null", "", text[:-1], "[1]", "NaN")
        )
    model.metadata_props[0].value = text
    return model.SerializeToString()


def with_another_graph(dice: random.Random) -> bytes:
    """Rewire, reshape and replace what is in the graph, and give the contract the right digest."""
    model = onnx.load(PACKAGED)
    for _ in range(dice.choice((1, 1, 2, 3))):
        dice.choice(REPAIRS)(model, dice)
    return with_right_digest(model)


def _another_operator(model: onnx.ModelProto, dice: random.Random) -> None:
    dice.choice(model.graph.node).op_type = dice.choice(
        ("Abs", "Identity", "Loop", "If", "Softmax", "EPContext", "Nothing", "ReduceSum", "Expand")
    )


def _another_domain(model: onnx.ModelProto, dice: random.Random) -> None:
    dice.choice(model.graph.node).domain = dice.choice(("com.microsoft", "acme", "ai.onnx.ml"))


def _another_wire(model: onnx.ModelProto, dice: random.Random) -> None:
    node, other = dice.choice(model.graph.node), dice.choice(model.graph.node)
    if node.input and other.output:
        node.input[dice.randrange(len(node.input))] = dice.choice([*other.output, "", "nowhere"])


def _another_shape(model: onnx.ModelProto, dice: random.Random) -> None:
    tensor = dice.choice(model.graph.initializer)
    if tensor.dims:
        tensor.dims[dice.randrange(len(tensor.dims))] = dice.choice((0, 1, -1, 7, 2**31, 2**62))


def _other_numbers(model: onnx.ModelProto, dice: random.Random) -> None:
    tensor = dice.choice(model.graph.initializer)
    fill = dice.choice((b"\0\0\xc0\x7f", b"\0\0\x80\x7f", b"\xff\xff\x7f\x7f", b"\0\0\0\0"))
    tensor.raw_data = fill * (len(tensor.raw_data) // 4)


def _another_type(model: onnx.ModelProto, dice: random.Random) -> None:
    dice.choice(model.graph.initializer).data_type = dice.choice((0, 2, 7, 10, 11, 16, 99))


def _another_attribute(model: onnx.ModelProto, dice: random.Random) -> None:
    nodes = [node for node in model.graph.node if node.attribute]
    attribute = dice.choice(dice.choice(nodes).attribute)
    attribute.i = dice.choice((0, -1, 3, 2**31, 2**62))
    if attribute.ints:
        attribute.ints[dice.randrange(len(attribute.ints))] = dice.choice((0, -1, 9, 2**31, 2**62))


def _one_less(model: onnx.ModelProto, dice: random.Random) -> None:
    kind = dice.choice((model.graph.node, model.graph.output, model.graph.input,
                        model.graph.initializer, model.opset_import))  # fmt: skip
    if kind:
        del kind[dice.randrange(len(kind))]


def _another_interface(model: onnx.ModelProto, dice: random.Random) -> None:
    value = dice.choice([*model.graph.input, *model.graph.output]).type.tensor_type
    if value.shape.dim:
        dice.choice(value.shape.dim).dim_value = dice.choice((0, 1, 5, 33, 2**40))
    if dice.random() < 0.3:
        value.elem_type = dice.choice((0, 7, 11))


REPAIRS: tuple[Callable[[onnx.ModelProto, random.Random], None], ...] = (
    _another_operator,
    _another_domain,
    _another_wire,
    _another_shape,
    _other_numbers,
    _another_type,
    _another_attribute,
    _one_less,
    _another_interface,
)


@pytest.mark.parametrize("make", [damaged, with_another_contract, with_another_graph])
def test_a_model_is_used_or_refused(
    make: Callable[[random.Random], bytes], photo: Path, tmp_path: Path
) -> None:
    dice = random.Random(make.__name__)
    read = 0
    for number in range(EACH):
        path = tmp_path / f"{number}.onnx"
        path.write_bytes(make(dice))
        command = ["classify", str(photo), "--format", "json", "--model", str(path)]
        if number % 10 == 0:
            command = ["doctor", "--format", "json", "--model", str(path)]
        result = forked.finish(command, tmp_path, SECONDS)
        assert result.status in (0, 1), f"{path}: {result}"
        assert "Traceback" not in result.err, f"{path}: {result.err}"
        if command[0] == "doctor":
            assert isinstance(json.loads(result.out)["ok"], bool)
        elif result.status:
            if not result.out:
                assert_one_line_error(result, 1)
        else:
            assert "NaN" not in result.out
            assert isinstance(json.loads(result.out)["text"], str)
            read += 1
        path.unlink()
    assert 0 < read < EACH
