"""Made pages: the same by seed, with the truth about their pixels, and as their stratum says."""

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import matplotlib
import numpy as np
import pytest
from click.testing import CliRunner, Result

import bench_pages
import bench_photos
from digitlens_train.fonts import Font
from digitlens_train.mnist import Mnist
from digitlens_train.pages import STRATA, Hands, Page, letters, make, pages, pen, typeset
from digitlens_train.pages.draft import Draft
from digitlens_train.pages.field import from_skeleton, render, skeleton

SEEDS = range(3)


@pytest.fixture(scope="module")
def hands(subset: Mnist) -> Hands:
    return Hands(subset.valid)


@pytest.fixture(scope="module")
def made(hands: Hands) -> dict[str, list[Page]]:
    return {stratum: [make(stratum, seed, hands) for seed in SEEDS] for stratum in STRATA}


@pytest.mark.parametrize("stratum", STRATA)
def test_the_same_seed_makes_the_same_page(
    stratum: str, hands: Hands, made: dict[str, list[Page]]
) -> None:
    again, first = make(stratum, 0, hands), made[stratum][0]
    assert np.array_equal(again.image, first.image)
    assert np.array_equal(again.owner, first.owner)
    assert (again.labels, again.boxes) == (first.labels, first.boxes)


@pytest.mark.parametrize("stratum", STRATA)
def test_seeds_make_different_pages(stratum: str, made: dict[str, list[Page]]) -> None:
    first, second, _ = made[stratum]
    assert first.image.shape != second.image.shape or (first.image != second.image).any()


@pytest.mark.parametrize("stratum", STRATA)
def test_the_truth_of_a_page_agrees(stratum: str, made: dict[str, list[Page]]) -> None:
    for page in made[stratum]:
        assert page.stratum == stratum
        assert page.image.dtype == np.uint8
        assert page.owner.dtype == np.int16
        assert page.image.shape == (*page.owner.shape, 3)
        assert 20 <= max(page.owner.shape) <= 1280
        assert len(page.labels) == len(page.boxes) == page.owner.max()
        assert page.owner.min() >= -1
        for number, (x, y, width, height) in enumerate(page.boxes, 1):
            rows, columns = np.nonzero(page.owner == number)
            assert (x, y) == (columns.min(), rows.min())
            assert (x + width, y + height) == (columns.max() + 1, rows.max() + 1)
            assert height >= 8


@pytest.mark.parametrize("stratum", ["blank", "texture"])
def test_pages_without_digits_have_no_label(stratum: str, made: dict[str, list[Page]]) -> None:
    assert all(page.labels == () and page.owner.max() <= 0 for page in made[stratum])


def test_pages_have_the_digits_of_their_stratum(made: dict[str, list[Page]]) -> None:
    assert all(len(page.labels) == 1 for name in ("single", "crop") for page in made[name])
    assert all(page.is_scattered for page in made["scattered"])
    for stratum in set(STRATA) - {"blank", "texture", "words"}:
        assert all(page.labels for page in made[stratum]), stratum
    assert any((page.owner == -1).any() for page in made["ruled"])


def test_words_have_digits_on_some_pages_only(hands: Hands) -> None:
    counts = [len(make("words", seed, hands).labels) for seed in range(24)]
    assert 4 <= sum(count == 0 for count in counts) <= 20


def test_a_canvas_is_clean(hands: Hands) -> None:
    for seed in range(8):
        page = make("canvas", seed, hands)
        corners = page.image[[0, 0, -1, -1], [0, -1, 0, -1]]
        assert set(np.unique(corners)) in ({0}, {255})
        assert len(np.unique(page.image.reshape(-1, 3), axis=0)) <= 256


def test_a_crop_is_filled_by_its_digit(hands: Hands) -> None:
    for seed in range(12):
        page = make("crop", seed, hands)
        (_, _, width, height) = page.boxes[0]
        tall, wide = page.owner.shape
        assert max(height / tall, width / wide) > 0.6


def test_a_row_is_read_from_left_to_right(made: dict[str, list[Page]]) -> None:
    for page in made["row"]:
        middles = [x + width / 2 for x, _, width, _ in page.boxes]
        assert middles == sorted(middles)


def test_pages_take_strata_in_turn(hands: Hands) -> None:
    found = [page.stratum for page in pages(5, 0, hands, ("crop", "canvas"))]
    assert found == ["crop", "canvas", "crop", "canvas", "crop"]


def test_an_unknown_stratum_is_an_error(hands: Hands) -> None:
    with pytest.raises(ValueError, match="no stratum 'sideways'"):
        make("sideways", 0, hands)


def test_fonts_write_a_third_of_the_pages(subset: Mnist) -> None:
    path = Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans-Oblique.ttf")
    hands = Hands(subset.valid, [Font("oblique", path)])
    random = np.random.default_rng(0)
    writers = [hands.writer(random, 0.1) for _ in range(60)]
    assert 10 <= sum(writer.font is not None for writer in writers) <= 30
    for stratum in ("row", "sums", "words"):
        for seed in SEEDS:
            assert make(stratum, seed, hands).image.size


def test_strokes_have_the_width_of_the_pen() -> None:
    mask = np.zeros((60, 60), np.uint8)
    mask[10:50, 27:34] = 1
    field = from_skeleton(mask, 2.0)
    assert field is not None
    thin, thick = (render(field, 4.0, width).ink for width in (8.0, 24.0))
    assert abs((thin[len(thin) // 2] > 127).sum() - 8) <= 2
    assert abs((thick[len(thick) // 2] > 127).sum() - 24) <= 1


def test_a_skeleton_is_one_pixel_wide() -> None:
    mask = np.zeros((40, 40), np.uint8)
    cv2.circle(mask, (20, 20), 12, 1, 5)
    thin = skeleton(mask)
    assert cv2.erode(thin, np.ones((2, 2), np.uint8)).sum() == 0
    assert cv2.connectedComponents(1 - thin, connectivity=4)[0] == 3


def test_every_letter_of_the_words_has_strokes() -> None:
    text = set("".join(letters.WORDS) + "".join(letters.WORDS).upper() + letters.SOLITARY)
    assert all(letters.has(character) for character in text)
    assert not set("OIlSZBo|szbgq0123456789") & set(letters.SOLITARY)
    assert not any(name.startswith("cm") for name in typeset.FONTS)


def test_a_digit_that_is_cut_off_is_left_out(hands: Hands) -> None:
    random = np.random.default_rng(0)
    draft = Draft(random, hands, (100, 100))
    brush = pen.choose(random)
    mark = draft.writer(brush, 60).digit(8, 60)
    layer = draft.layer(brush, 5)
    assert not draft.write(layer, mark, 50, 90)
    assert not layer.alpha.any()
    assert draft.write(layer, mark, 50, 50)
    assert (draft.labels, draft.owner.max(), draft.is_covered) == ([8], 1, False)
    assert draft.write(layer, mark, 52, 50)
    assert draft.is_covered


def test_pens_differ_from_the_paper() -> None:
    random = np.random.default_rng(0)
    for _ in range(50):
        assert pen.choose(random).colour.min() < 0.55
        assert pen.choose(random, on_dark=True).colour.max() > 0.5


@pytest.fixture
def bench(subset: Mnist, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run bench_pages.py with one page a stratum."""
    monkeypatch.setattr("digitlens_train.mnist.load", lambda: subset)

    def run(*options: object) -> Result:
        arguments = ["--count", "1", *map(str, options)]
        return CliRunner().invoke(bench_pages.main, arguments, standalone_mode=True)

    return run


def test_written_pages_are_read_by_bench_photos(
    bench: Callable[..., Result], tmp_path: Path
) -> None:
    folder = tmp_path / "made"
    done = bench("--stratum", "crop", "--stratum", "blank", "--format", "json", "--write", folder)
    assert done.exit_code == 0, done.output
    record = json.loads(done.stdout)
    assert set(record["strata"]) == {"crop", "blank"}
    assert record["all"]["pages"] == 2
    assert record["strata"]["crop"]["false_sure"] is None

    done = CliRunner().invoke(bench_photos.main, [str(folder), "--format", "json"])
    scores = json.loads(done.stdout)["scores"]["digitlens"]
    assert {kind: score["pictures"] for kind, score in scores.items()} == {"crop": 1, "blank": 1}


def test_bench_prints_a_table_and_a_sheet(bench: Callable[..., Result], tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.png"
    done = bench("--stratum", "touching", "--count", 8, "--sheet", sheet)
    assert done.exit_code == 0, done.output
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["stratum", "touching", "all"]
    is_exact = "100.0%" in done.stdout.splitlines()[1].split()[2]
    assert sheet.exists() != is_exact


@pytest.mark.parametrize("option", ["--fonts", "--model"])
def test_bench_reports_a_missing_file_in_one_line(
    bench: Callable[..., Result], option: str, tmp_path: Path
) -> None:
    done = bench("--stratum", "crop", option, tmp_path / "none")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: ")
    assert len(done.stderr.strip().splitlines()) == 1
