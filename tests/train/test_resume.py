"""A training that is killed at any moment goes on, and ends with the very same weights."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import matplotlib
import pytest

from command import ROOT, Digitlens, assert_one_line_error, offline
from digitlens.errors import RunError, UsageError
from digitlens_train.interrupt import Interrupt
from digitlens_train.mnist import Mnist
from digitlens_train.recipe import RECIPES, Recipe
from digitlens_train.request import Request, continued
from digitlens_train.run import Run
from digitlens_train.trainer import Epoch, Trainer
from digitlens_train.training import train

# Every part of the state has something to lose: Adam's moments, Muon's, the schedule, the
# random numbers of the distortions.
OPTIONS = (
    *("--epochs", "3", "--limit", "320", "--batch-size", "64", "--schedule", "one-cycle"),
    *("--lr", "0.003", "--muon-lr", "0.01", "--rotation", "7", "--elastic", "0.5"),
    *("--held-out", "200", "--seed", "5", "--device", "cpu"),
)
BATCHES = 5
KILLER = ROOT / "tests" / "killer.py"
SUBSET = {"DIGITLENS_DATA": None}


def lasting(run: Path) -> tuple[bytes, dict[str, object]]:
    """What must not depend on interruptions: the weights, and the metrics but for the clock."""
    metrics = json.loads((run / "metrics.json").read_text())
    for record in (metrics, *metrics["epochs"]):
        del record["seconds"]
    return (run / "checkpoint.safetensors").read_bytes(), metrics


@pytest.fixture(scope="module")
def undisturbed(digitlens: Digitlens, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("undisturbed") / "run"
    assert digitlens("train", *OPTIONS, "--out", run, env=SUBSET).status == 0
    return run


# Files are written in the order state, checkpoint, metrics after each epoch; config.json is first.
@pytest.mark.parametrize(
    "moment",
    [
        ("batch", 3),
        ("batch", BATCHES + 2),
        ("write", 2),  # the first state
        ("moved", 5),
        ("write", 6),  # the second checkpoint
        ("moved", 8),  # the last state
        ("moved", 12),  # the final metrics, before the figures
    ],
    ids=lambda moment: f"{moment[0]} {moment[1]}",
)
def test_a_killed_run_ends_with_the_same_weights(
    digitlens: Digitlens, undisturbed: Path, tmp_path: Path, moment: tuple[str, int]
) -> None:
    run = tmp_path / "run"
    killed(run, *moment)
    resumed = digitlens("train", "--out", run, "--resume", env=SUBSET)
    assert resumed.status == 0, resumed.err
    assert lasting(run) == lasting(undisturbed)
    assert {path.name for path in run.iterdir()} == {path.name for path in undisturbed.iterdir()}


def with_killer(moment: str, number: int, run: Path) -> subprocess.CompletedProcess[str]:
    """Begin the training of `undisturbed` in `run`, up to a moment of killer.py."""
    path = os.pathsep.join([str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, KILLER, moment, str(number), "train", *OPTIONS, "--out", str(run)],
        env=offline() | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=300,
    )


def killed(run: Path, moment: str, number: int) -> None:
    done = with_killer(moment, number, run)
    assert done.returncode == -signal.SIGKILL, done.stderr


def start(arguments: tuple[str, ...], **options: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "digitlens", "train", *arguments],
        env=offline(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,  # type: ignore[call-overload]
    )


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    for _ in range(1200):
        if condition():
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)
    raise AssertionError("it took two minutes")


def test_ctrl_c_ends_after_the_batch_with_a_run_that_can_be_resumed(tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    process = start((*OPTIONS, "--epochs", "3000", "--out", str(run.folder)))
    wait_for(run.metrics.exists, process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    last = err.strip().splitlines()[-1]
    assert last.startswith("Error: interrupted")
    assert f"digitlens train --out {run.folder} --resume" in last
    assert "Traceback" not in err
    assert run.state.exists()


def test_an_interrupted_epoch_begins_again(
    digitlens: Digitlens, undisturbed: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    done = with_killer("interrupt", BATCHES + 2, run)
    assert done.returncode == 130, done.stderr
    assert "interrupted, 1 of 3 epochs are kept" in done.stderr.strip().splitlines()[-1]
    assert digitlens("train", "--out", run, "--resume", env=SUBSET).status == 0
    assert lasting(run) == lasting(undisturbed)


def test_a_finished_run_has_nothing_left_to_do(digitlens: Digitlens, undisturbed: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in undisturbed.iterdir()}
    again = digitlens("train", "--out", undisturbed, "--resume", env=SUBSET)
    assert again.status == 0
    assert again.out.startswith(f"{undisturbed}: validation accuracy")
    assert {path: path.stat().st_mtime_ns for path in undisturbed.iterdir()} == before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--recipe", "quick"), ("recipe classic", "not quick")),
        (("--epochs", "9"), ("epochs 3", "not 9")),
        (("--seed", "6"), ("seed 5", "not 6")),
        (("--trial",), ("trial False", "not True")),
    ],
)
def test_a_run_of_another_recipe_is_not_resumed(
    digitlens: Digitlens, undisturbed: Path, options: tuple[str, ...], words: tuple[str, ...]
) -> None:
    before = lasting(undisturbed)
    result = digitlens("train", "--out", undisturbed, "--resume", *options, env=SUBSET)
    assert_one_line_error(result, 2, undisturbed, *words)
    assert lasting(undisturbed) == before


def test_there_must_be_a_run_to_resume(digitlens: Digitlens, tmp_path: Path) -> None:
    assert_one_line_error(digitlens("train", "--out", tmp_path / "x", "--resume"), 2, "config.json")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x80\x04}."])
def test_a_damaged_state_is_one_line(
    digitlens: Digitlens, undisturbed: Path, tmp_path: Path, content: bytes
) -> None:
    run = Run(Path(shutil.copytree(undisturbed, tmp_path / "run")))
    run.state.write_bytes(content)
    result = digitlens("train", "--out", run.folder, "--resume", env=SUBSET)
    assert_one_line_error(result, 1, "resume.pt", "train again")


def test_the_state_of_another_training_is_refused(undisturbed: Path, tmp_path: Path) -> None:
    run = Run(Path(shutil.copytree(undisturbed, tmp_path / "run")))
    run.save_state({"trainer": {"epoch": 1, "model": {}}, "epochs": []})
    with pytest.raises(RunError, match="belongs to another training"):
        train(Request(RECIPES["classic"], resume=True, device="cpu", limit=64), run)


DRAWING = Recipe(name="x", epochs=2, batch_size=32, written=20, outliers=20)
PRINTED = Path(matplotlib.get_data_path(), "fonts", "ttf")


@pytest.fixture
def font_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "fonts"
    folder.mkdir()
    for name in ("DejaVuSans", "DejaVuSerif"):
        shutil.copy(PRINTED / f"{name}.ttf", folder)
    return folder


@pytest.fixture
def begun(subset: Mnist, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Run]:
    """Begin a run and interrupt it after its first epoch."""
    monkeypatch.setattr("digitlens_train.training.load", lambda *_: subset)
    monkeypatch.setattr("digitlens_train.run.load", lambda *_, **__: subset)

    def begin(fonts: Path | None) -> Run:
        run_epoch = Trainer.run_epoch

        def interrupted(self: Trainer, interrupt: Interrupt) -> Epoch:
            if self.epoch == 1:
                raise KeyboardInterrupt
            return run_epoch(self, interrupt)

        run = Run(tmp_path / "run")
        with monkeypatch.context() as patch:
            patch.setattr(Trainer, "run_epoch", interrupted)
            with pytest.raises(KeyboardInterrupt):
                train(Request(DRAWING, device="cpu", limit=64, fonts=fonts), run)
        return run

    return begin


def resumed(run: Run, fonts: Path | None) -> bytes:
    """Resume a run, and return its weights."""
    request = Request(RECIPES["classic"], device="cpu", resume=True, fonts=fonts)
    train(continued(request, run, {}), run)
    return run.checkpoint.read_bytes()


def test_a_run_with_fonts_goes_on_with_the_same_fonts(
    begun: Callable[..., Run], font_folder: Path, tmp_path: Path
) -> None:
    names = ["DejaVuSans", "DejaVuSerif"]
    whole = Run(tmp_path / "whole")
    run = begun(font_folder)
    train(Request(DRAWING, device="cpu", limit=64, fonts=font_folder), whole)
    with pytest.raises(UsageError, match="was begun with 2 fonts; add --fonts with their folder"):
        resumed(run, None)
    shutil.copy(PRINTED / "STIXGeneral.ttf", font_folder)
    (font_folder / "DejaVuSerif.ttf").rename(tmp_path / "DejaVuSerif.ttf")
    with pytest.raises(UsageError, match="no font DejaVuSerif in "):
        resumed(run, font_folder)
    (tmp_path / "DejaVuSerif.ttf").rename(font_folder / "DejaVuSerif.ttf")
    assert resumed(run, font_folder) == whole.checkpoint.read_bytes()
    assert run.read_config()["fonts"] == names
    before = run.checkpoint.read_bytes()
    assert resumed(run, None) == before  # finished: no fonts are needed


def test_a_run_without_fonts_goes_on_without(
    begun: Callable[..., Run], font_folder: Path, tmp_path: Path
) -> None:
    run = begun(None)
    with pytest.raises(UsageError, match="was begun without fonts; leave out --fonts"):
        resumed(run, font_folder)
    config = run.read_config()
    del config["fonts"]  # as runs of old have it
    run.write_config(config)
    whole = Run(tmp_path / "whole")
    train(Request(DRAWING, device="cpu", limit=64), whole)
    assert resumed(run, None) == whole.checkpoint.read_bytes()


@pytest.mark.parametrize("fonts", [3, "caveat", ["caveat", 3], {}])
def test_a_damaged_list_of_fonts_is_refused(begun: Callable[..., Run], fonts: object) -> None:
    run = begun(None)
    run.write_config(run.read_config() | {"fonts": fonts})
    with pytest.raises(RunError, match=r"config\.json is damaged \(fonts is "):
        resumed(run, None)


def no_room() -> None:
    """Let this process write files of 4 kB at most, as on a disk that is full."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))


def test_a_full_disk_is_one_line_and_leaves_the_old_files(
    digitlens: Digitlens, undisturbed: Path, tmp_path: Path
) -> None:
    run = Run(tmp_path / "run")
    killed(run.folder, "batch", BATCHES + 2)
    before = {path.name: path.read_bytes() for path in run.folder.iterdir()}
    process = start(("--out", str(run.folder), "--resume"), preexec_fn=no_room)
    out, err = process.communicate(timeout=100)
    assert (process.returncode, out) == (2, "")
    assert err.strip().splitlines()[-1].startswith(f"Error: cannot write {run.state}: ")
    assert "Traceback" not in err
    assert {path.name: path.read_bytes() for path in run.folder.iterdir()} == before
    assert digitlens("train", "--out", run.folder, "--resume", env=SUBSET).status == 0
    assert lasting(run.folder) == lasting(undisturbed)


def test_tensorboard_gets_every_epoch_once(
    subset: Mnist, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    monkeypatch.setattr("digitlens_train.training.load", lambda *_: subset)
    monkeypatch.setattr("digitlens_train.run.load", lambda *_, **__: subset)
    request = Request(
        Recipe(name="classic", epochs=2, batch_size=64), device="cpu", limit=320, tensorboard=True
    )
    run_epoch = Trainer.run_epoch

    def interrupted(self: Trainer, interrupt: Interrupt) -> Epoch:
        if self.epoch == 1:
            raise KeyboardInterrupt
        return run_epoch(self, interrupt)

    monkeypatch.setattr(Trainer, "run_epoch", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(request, Run(tmp_path))
    monkeypatch.setattr(Trainer, "run_epoch", run_epoch)
    train(replace(request, resume=True), Run(tmp_path))
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    metrics = Run(tmp_path).read_metrics()
    for what in ("loss", "accuracy"):
        for images in ("train", "valid"):
            scalars = events.Scalars(f"{what}/{images}")
            assert [scalar.step for scalar in scalars] == [1, 2]
            expected = [epoch[f"{images}_{what}"] for epoch in metrics["epochs"]]
            assert [scalar.value for scalar in scalars] == pytest.approx(expected)
