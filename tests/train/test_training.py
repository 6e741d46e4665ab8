import json
import shutil
from dataclasses import asdict, fields
from pathlib import Path

import cv2
import matplotlib
import pytest
import torch

from command import Digitlens, assert_one_line_error
from digitlens.errors import UsageError
from digitlens_train.calibration import calibration_error, fit_temperature
from digitlens_train.mnist import Mnist, glyphs
from digitlens_train.outliers import outliers
from digitlens_train.recipe import RECIPES, Recipe
from digitlens_train.request import Request, load_fonts
from digitlens_train.run import Run
from digitlens_train.trainer import predict
from digitlens_train.training import NO_FONTS, extra, train
from digitlens_train.writing import written

FIGURES = {
    "samples.png",
    "losses.png",
    "accuracies.png",
    "predictions.png",
    "confusion_matrix.png",
    "maps_conv1.png",
    "maps_conv2.png",
    "maps_conv3.png",
    "final_layer.png",
}


@pytest.fixture
def font_folder(tmp_path: Path) -> Path:
    printed = Path(matplotlib.get_data_path(), "fonts", "ttf")
    folder = tmp_path / "fonts"
    (folder / "deep").mkdir(parents=True)
    shutil.copy(printed / "DejaVuSans.ttf", folder / "deep" / "sans.ttf")
    shutil.copy(printed / "STIXGeneralItalic.ttf", folder / "italic.ttf")
    return folder


def test_a_run_folder_is_complete(run: Run) -> None:
    names = {path.name for path in run.folder.iterdir()}
    assert names == FIGURES | {"checkpoint.safetensors", "config.json", "metrics.json"}
    for name in FIGURES:
        picture = cv2.imread(str(run.folder / name))
        assert picture.shape[0] >= 300
        assert picture.std() > 10


def test_the_metrics_have_every_epoch_and_the_final_figures(run: Run) -> None:
    metrics = json.loads(run.metrics.read_text())
    assert [epoch["epoch"] for epoch in metrics["epochs"]] == [1, 2]
    for name in ("train_loss", "valid_loss", "train_accuracy", "valid_accuracy"):
        assert metrics[name] == metrics["epochs"][-1][name]
    assert metrics["valid_accuracy"] > 0.85
    assert metrics["parameters"] == 61_706


def test_train_prints_the_layers_one_line_an_epoch_and_the_result(
    digitlens: Digitlens, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    result = digitlens(
        *("train", "--epochs", 2, "--limit", 640, "--seed", 3, "--out", out, "--device", "cpu"),
        *("--batch-size", 64, "--lr", 0.002),
        env={"DIGITLENS_DATA": None},
    )
    assert result.status == 0, result.err
    assert result.out.startswith(f"{out}: validation accuracy ")
    assert "[120, 1, 1]" in result.err
    assert "61,706" in result.err
    assert "5,000 digits" in result.err  # no network: the fallback, and said so
    lines = result.err.splitlines()
    assert len([line for line in lines if line[2:3] == ":" and line.endswith("%")]) == 2
    config = json.loads((out / "config.json").read_text())
    recipe = Recipe(name="classic", epochs=2, batch_size=64, lr=0.002, counts_after=True)
    assert config["recipe"] == asdict(recipe)
    assert (config["train_images"], config["seed"]) == (640, 3)
    assert config["dataset"] == "mnist-5k"

    again = digitlens("train", "--out", out)
    assert_one_line_error(again, 2, out, "holds a run already")


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["--data", "missing"], 2, ["no folder missing"]),
        (["--data", "."], 2, ["train-images"]),
        (["--epochs", "0"], 2, ["--epochs"]),
        (["--recipe", "bset"], 2, ["bset", "classic"]),
        (["--lr", "nan"], 2, ["--lr"]),
        (["--lr", "inf"], 2, ["--lr"]),
        (["--rotation", "180"], 2, ["--rotation"]),
        (["--muon-lr", "nan"], 2, ["--muon-lr", "nan"]),
        (["--trial"], 2, ["--held-out"]),
        (["--seed", "9" * 22], 2, ["--seed"]),
        (["--batch-size", "9" * 22], 2, ["--batch-size"]),
        (["--out", "file/run"], 2, ["file"]),
    ],
)
def test_train_refuses_what_it_cannot_do_in_one_line(
    digitlens: Digitlens, tmp_path: Path, arguments: list[str], status: int, words: list[str]
) -> None:
    (tmp_path / "file").write_text("in the way")
    result = digitlens("train", *arguments, cwd=tmp_path)
    assert_one_line_error(result, status, *words)


def test_a_damaged_data_file_is_one_line_and_status_1(digitlens: Digitlens, tmp_path: Path) -> None:
    for name in ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"):
        (tmp_path / name).write_bytes(b"\0\0\x08\x01\0\0\0\x09x")
    result = digitlens("train", "--data", tmp_path)
    assert_one_line_error(result, 1, "truncated", "train-images")


def test_a_trial_never_looks_at_the_validation_images(
    digitlens: Digitlens, subset: Mnist, tmp_path: Path
) -> None:
    options = ("--epochs", 1, "--limit", 640, "--held-out", 600, "--trial", "--device", "cpu")
    result = digitlens("train", *options, "--out", tmp_path, env={"DIGITLENS_DATA": None})
    assert result.status == 0, result.err
    run = Run(tmp_path)
    assert run.read_config()["valid_images"] == 600
    assert run.read_config()["held_out_images"] == 600
    shown = run.validation_images()
    assert torch.equal(shown.images, subset.train.hold_out(600)[1].images)
    right = predict(run.load_model(), glyphs(shown.images)).argmax(1) == shown.labels
    assert run.read_metrics()["valid_accuracy"] == pytest.approx(right.double().mean().item())


def test_held_out_images_calibrate_and_the_validation_images_are_looked_at_once(
    digitlens: Digitlens, subset: Mnist, tmp_path: Path
) -> None:
    options = ("--epochs", 2, "--limit", 1280, "--held-out", 10_000, "--muon-lr", 0.02)
    result = digitlens("train", *options, "--out", tmp_path, env={"DIGITLENS_DATA": None})
    assert result.status == 0, result.err
    config, metrics = Run(tmp_path).read_config(), Run(tmp_path).read_metrics()
    assert config["held_out_images"] == 800  # a fifth of the 4,000
    assert (config["train_images"], config["valid_images"]) == (1280, 1000)
    model = Run(tmp_path).load_model()
    assert metrics["temperature"] == model.temperature.item() != 1
    held_out = subset.train.hold_out(800)[1]
    fitted = fit_temperature(predict(model, glyphs(held_out.images)), held_out.labels)
    assert fitted == pytest.approx(metrics["temperature"], rel=1e-4)
    logits = predict(model, glyphs(subset.valid.images))
    right = (logits.argmax(1) == subset.valid.labels).double().mean().item()
    assert metrics["valid_accuracy"] == pytest.approx(right)
    probabilities = (logits / model.temperature).softmax(1)
    error = calibration_error(probabilities, subset.valid.labels)
    assert metrics["calibration_error"] == pytest.approx(error)
    watched = predict(model, glyphs(held_out.images)).argmax(1) == held_out.labels
    last = metrics["epochs"][-1]["valid_accuracy"]
    assert last == pytest.approx(watched.double().mean().item())


@pytest.mark.parametrize(("drawn", "strange"), [(0, 0), (20, 0), (0, 15), (20, 15)])
def test_a_recipe_asks_for_digits_and_for_outliers_beside_mnist_s(
    subset: Mnist, drawn: int, strange: int
) -> None:
    recipe = Recipe(name="x", written=drawn, outliers=strange)
    found = extra(recipe, 3, subset)
    if not drawn + strange:
        assert found is None
        return
    assert found is not None
    assert found.labels.dtype == torch.int64
    assert found.images.dtype == torch.uint8
    digits, others = written(drawn, 3), outliers(strange, subset.train, 3)
    assert torch.equal(found.images, torch.cat([digits.images, others.images]))
    assert found.labels.tolist() == [*digits.labels.tolist(), *others.labels.tolist()]


DRAWING = Recipe(name="x", epochs=1, batch_size=32, written=20, outliers=20)


def test_fonts_are_drawn_with_and_recorded(
    subset: Mnist,
    font_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("digitlens_train.training.load", lambda *_: subset)
    request = Request(DRAWING, device="cpu", limit=64, fonts=font_folder)
    run = Run(tmp_path / "run")
    train(request, run)
    assert run.read_config()["fonts"] == ["deep/sans", "italic"]
    assert not [record for record in caplog.records if record.levelname == "WARNING"]
    fonts = load_fonts(request)
    shown, plain = extra(DRAWING, 0, subset, fonts), extra(DRAWING, 0, subset)
    assert shown is not None
    assert plain is not None
    assert torch.equal(shown.images[:20], written(20, 0, fonts).images)
    assert torch.equal(shown.images[20:], outliers(20, subset.train, 0, fonts).images)
    assert not torch.equal(shown.images, plain.images)


@pytest.mark.parametrize("recipe", [DRAWING, Recipe(name="plain", epochs=1)])
def test_drawing_without_fonts_is_a_warning_in_one_line(
    subset: Mnist,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    recipe: Recipe,
) -> None:
    monkeypatch.setattr("digitlens_train.training.load", lambda *_: subset)
    run = Run(tmp_path / "run")
    train(Request(recipe, device="cpu", limit=64), run)
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert warnings == ([NO_FONTS] if recipe.written else [])
    assert "\n" not in NO_FONTS
    assert run.read_config()["fonts"] is None


def test_fonts_for_a_recipe_that_draws_nothing_are_refused(
    digitlens: Digitlens, font_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    result = digitlens("train", "--fonts", font_folder, "--out", out)
    assert_one_line_error(result, 2, "classic draws no images", "--recipe photo")
    result = digitlens("train", "--recipe", "photo", "--fonts", tmp_path / "x", "--out", out)
    assert_one_line_error(result, 2, "no such folder", tmp_path / "x", "handwriting_fonts.py")
    assert not out.exists()


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "photo.png").touch()
    with pytest.raises(UsageError, match="holds other files"):
        train(Request(RECIPES["classic"], device="cpu"), Run(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["photo.png"]


def test_event_files_need_their_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("digitlens_train.events.find_spec", lambda _: None)
    request = Request(RECIPES["classic"], tensorboard=True, device="cpu")
    with pytest.raises(UsageError, match=r'pip install "digitlens\[tensorboard\]"'):
        train(request, Run(tmp_path))


def test_the_help_lists_every_recipe_with_its_result(digitlens: Digitlens) -> None:
    text = digitlens("train", "--help").out
    for name, recipe in RECIPES.items():
        line = next(line for line in text.splitlines() if line.strip().startswith(name + " "))
        assert f"{recipe.epochs} epochs" in line
        assert "%" in line
    for field in fields(Recipe):
        if field.metadata:
            assert "--" + field.name.replace("_", "-") in text
