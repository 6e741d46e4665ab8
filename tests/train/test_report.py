import base64
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest

from command import Digitlens, assert_one_line_error
from digitlens_train.mnist import glyphs
from digitlens_train.run import Run
from digitlens_train.trainer import predict

VOID = {"meta", "img", "br"}


class Structure(HTMLParser):
    """Checks that elements nest, and gathers attributes that load something."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loaded: list[str] = []
        self.identifiers: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attributes:
            if name in ("src", "href", "xlink:href", "data", "srcset"):
                self.loaded.append(value or "")
            if name == "id":
                self.identifiers.append(value or "")

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def other(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run with a temperature, a name that must be escaped, and half of its epochs to do."""
    folder = tmp_path_factory.mktemp("other") / "<b>half & done"
    copy = Run(Path(shutil.copytree(run.folder, folder)))
    model = copy.load_model()
    model.temperature.fill_(0.5)
    copy.save_model(model)
    config = copy.read_config()
    config["recipe"]["epochs"] = 4
    copy.write_config(config)
    copy.save_state({})
    return copy


@pytest.fixture(scope="module")
def page(
    digitlens: Digitlens, run: Run, other: Run, tmp_path_factory: pytest.TempPathFactory
) -> str:
    target = tmp_path_factory.mktemp("report") / "report.html"
    result = digitlens("report", run.folder, other.folder, "-o", target)
    assert result.status == 0, result.err
    assert result.out == f"{target}\n"
    return target.read_text()


def test_it_is_one_well_formed_file_that_loads_nothing(page: str) -> None:
    structure = Structure()
    structure.feed(page)
    assert structure.open == []
    assert all(value.startswith(("data:image/png;base64,", "#")) for value in structure.loaded)
    assert len(structure.identifiers) == len(set(structure.identifiers))
    targets = {value[1:] for value in structure.loaded if value.startswith("#")}
    targets |= set(re.findall(r"url\(#([^)]+)\)", page))
    assert targets <= set(structure.identifiers)
    assert "<script" not in page
    assert "default-src 'none'" in page
    assert "@import" not in page


def test_all_wrong_predictions_are_shown_as_they_are(page: str, run: Run) -> None:
    images = run.validation_images()
    probabilities = predict(run.load_model(), glyphs(images.images)).softmax(1)
    confidence, predicted = probabilities.max(1)
    wrong = (predicted != images.labels).nonzero().flatten().tolist()
    section = page.partition(f"All {len(wrong)} wrong predictions")[2].partition("<h2>")[0]
    shown = re.findall(
        r'<img src="data:image/png;base64,([^"]+)"[^>]*alt="image (\d+)">\s*'
        r"<figcaption><b>(\d)</b>, is (\d)<br>([\d.]+) %",
        section,
    )
    assert sorted(int(number) for _, number, *_ in shown) == wrong
    for png, number, digit, label, percent in shown:
        index = int(number)
        assert (int(digit), int(label)) == (predicted[index], images.labels[index])
        assert float(percent) == pytest.approx(100 * confidence[index].item(), abs=0.051)
        bytes_ = np.frombuffer(base64.b64decode(png), np.uint8)
        picture = cv2.imdecode(bytes_, cv2.IMREAD_GRAYSCALE)
        assert np.array_equal(255 - picture, images.images[index].numpy())


def test_the_runs_stand_side_by_side_and_differences_are_marked(page: str, run: Run) -> None:
    rows = re.findall(r'<tr( class="different")?><th scope="row">(.*?)</th>(.*?)</tr>', page)
    cells = {name: re.findall(r"<td>(.*?)</td>", row) for _, name, row in rows}
    marked = {name for mark, name, _ in rows if mark}
    assert cells["epochs done"] == ["2 of 2", "2 of 4"]
    assert cells["temperature"] == ["1.0000", "0.5000"]
    assert cells["state"][1].startswith("unfinished")
    assert cells["seed"] == ["0", "0"]
    assert {"epochs", "temperature", "state", "folder"} <= marked
    assert "seed" not in marked
    accuracy = run.read_metrics()["valid_accuracy"]
    assert cells["accuracy"][0] == f"{accuracy:.2%}"
    assert "&lt;b&gt;half &amp; done" in page
    assert "<b>half" not in page


def test_every_run_has_its_figures(page: str) -> None:
    for words in ("Confusion matrix", "Calibration", "Accuracy of each digit", "Weights of conv1"):
        assert page.count(f"<h3>{words}</h3>") == 2
    assert page.count("<svg") == 1 + 2 * 4
    assert page.count("The 40 least confident predictions") == 2


@pytest.mark.parametrize("broken", ["config.json", "metrics.json"])
def test_a_damaged_run_is_one_line(
    digitlens: Digitlens, run: Run, tmp_path: Path, broken: str
) -> None:
    copy = Path(shutil.copytree(run.folder, tmp_path / "run"))
    (copy / broken).write_text('{"recipe": {}, "epochs": [1]}')
    target = tmp_path / "report.html"
    assert_one_line_error(digitlens("report", copy, "-o", target), 1, copy, "damaged")
    assert not target.exists()


def test_what_is_missing_is_one_line(digitlens: Digitlens, run: Run, tmp_path: Path) -> None:
    assert_one_line_error(digitlens("report", tmp_path / "none"), 2, "no run folder")
    assert_one_line_error(digitlens("report", run.folder, "-o", tmp_path), 2, "it is a folder")
