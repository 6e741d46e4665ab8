from pathlib import Path

import cv2
import numpy as np
import pytest

from command import Digitlens, assert_one_line_error
from digitlens import Reader, canvas, maps
from digitlens.contract import TAPS
from digitlens.errors import UsageError


def test_every_tap_adds_a_panel_and_the_picture_shows_the_frame(page: np.ndarray) -> None:
    reading = Reader().read(page, taps=True)
    heights = [maps.draw(page, reading, TAPS[:count]).shape[0] for count in range(len(TAPS) + 1)]
    assert heights == sorted(set(heights))
    picture = maps.draw(page, reading, TAPS, number=9)
    assert picture.shape[1] == canvas.WIDTH
    assert picture.dtype == np.uint8
    assert not np.array_equal(picture, maps.draw(page, reading, TAPS, number=0))
    side = maps.HEADER_HEIGHT - 64
    frame = picture[44 : 44 + round(side * 420 / 900), canvas.MARGIN : canvas.MARGIN + side]
    shrunk = cv2.resize(page, frame.shape[1::-1], interpolation=cv2.INTER_AREA)
    assert np.median(cv2.absdiff(frame, shrunk)) == 0  # but for the box
    glyph = picture[44 : 44 + side, canvas.MARGIN + side + 18 :][:, :side]
    expected = cv2.resize(reading.digits[9].glyph * 255, (side, side), interpolation=0)
    assert np.array_equal(glyph[..., 0], np.round(expected))


def test_a_mosaic_shows_each_map_between_its_own_extremes() -> None:
    activation = np.zeros((6, 28, 28), np.float32)
    activation[2, 5, 7], activation[4, 20, 20] = 0.01, 1.0
    picture = maps.mosaic(activation, (6, 28, 28))
    light = cv2.applyColorMap(np.full((1, 1), 255, np.uint8), cv2.COLORMAP_VIRIDIS)[0, 0]
    columns = np.flatnonzero((picture == light).all(2).any(0))
    tile = (canvas.WIDTH - 2 * canvas.MARGIN) // 6
    assert {(column - canvas.MARGIN) // tile for column in columns} == {2, 4}


def test_single_units_are_drawn_on_one_scale() -> None:
    units = np.zeros(84, np.float32)
    units[[0, 83]] = -1, 1
    picture = maps.mosaic(units, (84,))
    dark, light = (
        cv2.applyColorMap(np.full((1, 1), value, np.uint8), cv2.COLORMAP_VIRIDIS)[0, 0]
        for value in (0, 255)
    )
    side = maps.UNIT_SIZE
    assert (picture == dark).all(2).sum() == side**2
    assert (picture == light).all(2).sum() == side**2


def test_a_digit_that_is_not_there_is_refused(page: np.ndarray) -> None:
    reading = Reader().read(page, taps=True)
    with pytest.raises(UsageError, match="no digit 11: the image has 10"):
        maps.draw(page, reading, TAPS, number=10)


def test_the_command_draws_all_taps_or_the_named_ones(
    digitlens: Digitlens, photo: Path, tmp_path: Path
) -> None:
    result = digitlens("maps", photo, cwd=tmp_path)
    assert (result.status, result.out) == (0, "photo-maps.png\n"), result.err
    assert "digit 1 of 10" in result.err
    everything = cv2.imread(str(tmp_path / "photo-maps.png"))
    result = digitlens("maps", photo, "-o", tmp_path / "x.png", "--tap", "conv3", "--digit", 2)
    assert result.status == 0, result.err
    one = cv2.imread(str(tmp_path / "x.png"))
    assert one.shape[0] < everything.shape[0]
    piped = digitlens("maps", "-", stdin=photo.read_bytes(), cwd=tmp_path)
    assert (piped.status, piped.out) == (0, "stdin-maps.png\n")
    assert np.array_equal(cv2.imread(str(tmp_path / "stdin-maps.png")), everything)


def test_bad_requests_are_one_line(digitlens: Digitlens, photo: Path, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "blank.png"), np.full((90, 90), 255, np.uint8))
    (tmp_path / "text.png").write_text("hello")
    (tmp_path / "folder.png").mkdir()
    for arguments, status, words in (
        (["missing.png"], 2, ["missing.png: no such file"]),
        (["blank.png"], 1, ["blank.png: no digits found"]),
        (["text.png"], 1, ["text.png: not an image"]),
        (["folder.png"], 1, ["folder.png"]),
        ([photo, "--tap", "conv9"], 2, ["conv9", "conv1, pool1"]),
        ([photo, "--digit", 11], 2, ["no digit 11"]),
        ([photo, "-o", photo], 2, ["it is the image itself"]),
        ([photo, "-o", "x.jpg"], 2, ["x.jpg", ".png"]),
        ([photo, "-o", "text.png/x.png"], 2, ["text.png"]),
        ([photo, "-o", "folder.png"], 2, ["folder.png: it is a folder"]),
    ):
        assert_one_line_error(digitlens("maps", *arguments, cwd=tmp_path), status, *words)
