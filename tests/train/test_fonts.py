import shutil
from pathlib import Path

import cv2
import matplotlib
import numpy as np
import pytest
from fontTools.ttLib import TTFont

from digitlens.errors import DataError, NotFoundError
from digitlens_train.fonts import DIGITS, Font, handwritten, load

PRINTED = Path(matplotlib.get_data_path(), "fonts", "ttf")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder tree with two fonts."""
    (tmp_path / "deep").mkdir()
    shutil.copy(PRINTED / "DejaVuSans.ttf", tmp_path / "deep" / "sans.TTF")
    shutil.copy(PRINTED / "STIXGeneralItalic.ttf", tmp_path / "italic.ttf")
    return tmp_path


@pytest.fixture
def font() -> Font:
    return Font("sans", PRINTED / "DejaVuSans.ttf")


def test_fonts_of_a_folder_tree_are_sorted_by_name(folder: Path) -> None:
    fonts = load(folder)
    assert [font.name for font in fonts] == ["deep/sans", "italic"]
    for font in fonts:
        assert all(map(font.has, DIGITS))


def test_a_font_in_two_formats_is_loaded_once(folder: Path) -> None:
    shutil.copy(PRINTED / "DejaVuSans.ttf", folder / "italic.woff")
    assert [font.path.name for font in load(folder)] == ["sans.TTF", "italic.ttf"]


def test_unusable_fonts_are_skipped_with_a_warning(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "broken.woff2").write_bytes(b"wOF2")
    shutil.copy(PRINTED / "STIXNonUni.ttf", folder / "no-digits.ttf")
    assert [font.name for font in load(folder)] == ["deep/sans", "italic"]
    first, second = (record.getMessage() for record in caplog.records)
    assert first.startswith(f"skipped {folder / 'broken.woff2'}: not a readable font: ")
    assert second == f"skipped {folder / 'no-digits.ttf'}: no digit 0"


def test_a_font_whose_digits_look_alike_is_skipped(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = Font.draw
    monkeypatch.setattr(
        Font, "draw", lambda font, text, size: draw(font, text.replace("7", "1"), size)
    )
    with pytest.raises(DataError, match="two digits of the same shape"):
        load(folder)


def test_a_missing_or_empty_folder_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no such folder: "):
        load(tmp_path / "x")
    (tmp_path / "readme.txt").touch()
    with pytest.raises(NotFoundError, match=r"no \.ttf, \.otf, \.woff, \.woff2 files in "):
        load(tmp_path)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x00\x01\x00\x00" * 50])
def test_a_folder_without_a_usable_font_is_an_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.ttf").write_bytes(content)
    with pytest.raises(DataError, match=r"no usable fonts in .*a\.ttf: not a readable") as caught:
        load(tmp_path)
    assert "\n" not in str(caught.value)


def test_text_is_drawn_trimmed_in_its_size(font: Font) -> None:
    small, large = font.draw("42", 20), font.draw("42", 60)
    for ink in (small, large):
        assert ink.dtype == np.uint8
        assert ink.max() == 255
        for side in (ink[0], ink[-1], ink[:, 0], ink[:, -1]):
            assert side.any()
    assert large.shape[0] == pytest.approx(0.73 * 60, abs=2)  # DejaVu's height of digits
    assert small.shape[0] == pytest.approx(0.73 * 20, abs=2)
    assert font.draw(" ", 20).shape == (0, 0)


def test_a_font_has_only_its_own_shapes(font: Font) -> None:
    assert all(map(font.has, "07aZ×÷±−"))
    assert not any(map(font.has, " \u200b\uffff漢"))


def test_web_fonts_are_read(tmp_path: Path) -> None:
    font = TTFont(PRINTED / "STIXGeneral.ttf")
    font.flavor = "woff"
    font.save(tmp_path / "web.woff")
    (loaded,) = load(tmp_path)
    plain = Font("plain", PRINTED / "STIXGeneral.ttf")
    assert np.array_equal(loaded.draw("5", 40), plain.draw("5", 40))


def test_handwriting_follows_from_its_seed_and_varies(font: Font) -> None:
    def inks(seed: int) -> list[np.ndarray]:
        random = np.random.default_rng(seed)
        return [handwritten(font, "8", random) for _ in range(30)]

    first, again = inks(1), inks(1)
    assert all(map(np.array_equal, first, again))
    assert len({ink.tobytes() for ink in first}) == 30
    amounts = [int((ink > 127).sum()) for ink in first]
    assert max(amounts) > 1.3 * min(amounts)


@pytest.mark.parametrize("name", ["DejaVuSans-Bold", "DejaVuSans", "STIXGeneralItalic"])
@pytest.mark.parametrize("digit", ["0", "4", "6", "8"])
def test_handwriting_keeps_the_holes_of_digits(name: str, digit: str) -> None:
    font, random = Font(name, PRINTED / f"{name}.ttf"), np.random.default_rng(0)
    for _ in range(20):
        ink = handwritten(font, digit, random)
        assert not np.concatenate([ink[0], ink[-1], ink[:, 0], ink[:, -1]]).any()
        paper = (ink < 128).astype(np.uint8)
        areas = cv2.connectedComponentsWithStats(paper, connectivity=4)[2][1:, cv2.CC_STAT_AREA]
        assert sum(areas > 8) == (3 if digit == "8" else 2)
