"""100 checkpoints, run folders and IDX files that are damaged: each command ends with one line."""

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import forked
from digitlens_train.run import Run
from mutate import CHANGES

EACH = 20
SECONDS = 120.0
VALUES = (None, True, 0, -1, 2**70, 1e308, "", "x" * 1000, [], {}, [[1]], "../..", "\ud800")


def damage_the_checkpoint(run: Run, dice: random.Random) -> None:
    content = bytearray(run.checkpoint.read_bytes())
    size = len(content) if dice.random() < 0.3 else 1000  # the header, with names and places
    part = content[:size]
    for _ in range(dice.choice((1, 2, 4))):
        dice.choice(CHANGES)(part, dice)
    run.checkpoint.write_bytes(bytes(part) + content[size:])


def damage_the_bytes_of_json(run: Run, dice: random.Random) -> None:
    path = dice.choice((run.config, run.metrics))
    content = bytearray(path.read_bytes())
    for _ in range(dice.choice((1, 2, 4))):
        dice.choice(CHANGES)(content, dice)
    path.write_bytes(content)


def put_other_values_into_json(run: Run, dice: random.Random) -> None:
    path = dice.choice((run.config, run.metrics))
    content = json.loads(path.read_text())
    for _ in range(dice.choice((1, 2, 3))):
        key = dice.choice(list(content))
        if dice.random() < 0.3:
            content.pop(key)
        elif key == "epochs" and dice.random() < 0.7:
            content[key] = [{name: dice.choice(VALUES) for name in content[key][0]}]
        else:
            content[key] = dice.choice(VALUES)
        if not content:
            break
    text = json.dumps(content) if dice.random() < 0.9 else "[" * 100_000
    path.write_text(text)


@pytest.mark.parametrize(
    "damage", [damage_the_checkpoint, damage_the_bytes_of_json, put_other_values_into_json]
)
def test_a_damaged_run_is_used_or_refused(
    damage: Callable[[Run, random.Random], None], run: Run, tmp_path: Path
) -> None:
    dice = random.Random(damage.__name__)
    damaged = Run(tmp_path / "run")
    for number in range(EACH):
        shutil.rmtree(damaged.folder, ignore_errors=True)
        shutil.copytree(run.folder, damaged.folder)
        damage(damaged, dice)
        command = ("export run -o model.onnx", "report run -o report.html")[number % 2]
        assert_it_ends_well(command, tmp_path, str(number))


def test_a_damaged_state_of_training_is_refused(tmp_path: Path) -> None:
    short = ["train", "--limit", "64", "--device", "cpu", "--epochs", "1", "--out", "new"]
    assert forked.finish(short, tmp_path, SECONDS).status == 0
    dice = random.Random(0)
    whole = b"PK\3\4" + dice.randbytes(400)  # PyTorch keeps a state in a zip file
    for number in range(EACH):
        state = bytearray(whole)
        dice.choice(CHANGES)(state, dice)
        (tmp_path / "new" / "resume.pt").write_bytes(state)
        assert assert_it_ends_well("train --out new --resume", tmp_path, str(number)) == 1


@pytest.mark.parametrize("name", ["train-images-idx3-ubyte", "t10k-labels-idx1-ubyte.gz"])
def test_damaged_files_of_mnist_are_refused(name: str, tmp_path: Path) -> None:
    dice = random.Random(name)
    data = tmp_path / "data"
    data.mkdir()
    names = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte",
             "t10k-labels-idx1-ubyte")  # fmt: skip
    for each in names:
        (data / each).write_bytes(b"\0\0\x08\x03\0\0\0\x02\0\0\0\x1c\0\0\0\x1c" + bytes(1568))
    for number in range(EACH // 2):
        content = bytearray(b"\x1f\x8b\x08" + bytes(20) + dice.randbytes(500))
        for _ in range(3):
            dice.choice(CHANGES)(content, dice)
        (data / name).write_bytes(content)
        command = "train --epochs 1 --limit 64 --device cpu --out new --data data"
        assert assert_it_ends_well(command, tmp_path, str(number)) in (1, 2)
        assert not (tmp_path / "new" / "checkpoint.safetensors").exists()


def assert_it_ends_well(command: str, folder: Path, what: str) -> int:
    """Run a command; give its status, 0 to 2, and hold a failure to one line at the end."""
    result = forked.finish(command.split(), folder, SECONDS)
    assert result.status in (0, 1, 2), f"{what}: {result}"
    assert "Traceback" not in result.err, f"{what}: {result.err}"
    if result.status:
        assert result.err.strip().splitlines()[-1].startswith("Error: "), f"{what}: {result.err}"
    return result.status
