from collections.abc import Sequence

import numpy as np
import pytest

from digitlens import Digit, LiveReading, Reader, canvas, maps
from digitlens.capture.test_card import Card
from digitlens.contract import TAPS
from digitlens.live.stage import Stage
from digitlens.live.view import CHOSEN, GRAY, Place, Scene, draw, usual_size

SIZES = [(320, 240), (640, 480), (1280, 720), (480, 800), (3840, 2160)]
RED = (0, 0, 255)


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader()


def live(image: np.ndarray, digits: Sequence[Digit]) -> LiveReading:
    height, width = image.shape[:2]
    return LiveReading(
        width=width,
        height=height,
        digits=tuple(digits),
        elapsed_ms=1.0,
        source="test:",
        image=image,
        frame=0,
        time=0.0,
        age_ms=1.0,
    )


BLANK = live(np.full((480, 640, 3), 255, np.uint8), [])


def digit(box: tuple[int, int, int, int], *, sure: bool = True) -> Digit:
    probabilities = np.full(10, 0.02, np.float32)
    probabilities[7] = 0.82
    glyph = np.zeros((32, 32), np.float32)
    return Digit(7, 0.82, sure, box, 0, glyph, probabilities, "" if sure else "not sure")


def read(reader: Reader, digits: int, width: int = 640, height: int = 480) -> LiveReading:
    image = Card(width, height, digits).frame(0)
    return live(image, reader.read(image).digits)


def frame_with_a_square(
    left: int, top: int, side: int, width: int = 640, height: int = 480
) -> np.ndarray:
    image = np.full((height, width, 3), 90, np.uint8)
    image[top : top + side, left : left + side] = RED
    return image


def middle(picture: np.ndarray, color: Sequence[int]) -> tuple[float, float]:
    """Give the middle of all that has about that colour, x and y."""
    down, across = np.nonzero((np.abs(picture.astype(int) - color) < 60).all(2))
    return float(across.mean()) + 0.5, float(down.mean()) + 0.5


def has_near(picture: np.ndarray, x: int, y: int, color: Sequence[int]) -> bool:
    """Tell whether a pixel or one beside it has that colour, but for the softness of lines."""
    near = picture[y - 1 : y + 2, x - 1 : x + 2].astype(int)
    return bool((np.abs(near - color) < 30).all(2).any())


@pytest.mark.parametrize("count", [0, 1, 10, 40])
def test_a_picture_has_the_size_that_was_asked_for(reader: Reader, count: int) -> None:
    reading = read(reader, count)
    assert len(reading.digits) == count
    stage = Stage(reader)
    long_line = "a source that is no longer there; " * 20
    lines = [("recording", canvas.BAD), (long_line, GRAY), ("", canvas.GOOD)]
    for width, height in SIZES:
        for stage.shows_maps in (True, False):
            for stage.shows_keys in (True, False):
                scene = stage.scene(reading, lines if stage.shows_keys else [])
                picture, place = draw(scene, width, height)
                assert picture.shape == (height, width, 3)
                assert picture.dtype == np.uint8
                assert place is not None


@pytest.mark.parametrize("size", SIZES)
def test_maps_keys_and_lines_are_seen(reader: Reader, size: tuple[int, int]) -> None:
    reading, stage = read(reader, 10), Stage(reader)
    stage.shows_maps = False
    plain = draw(stage.scene(reading, []), *size)[0]
    stage.shows_keys = True
    assert (draw(stage.scene(reading, []), *size)[0] != plain).any()
    stage.shows_keys, stage.shows_maps = False, True
    mapped = draw(stage.scene(reading, []), *size)[0]
    width, height = size
    panel = np.s_[:, -width // 4 :] if width > height else np.s_[-height // 4 :]
    assert (mapped[panel] != plain[panel]).any()
    said = draw(stage.scene(reading, [("lost", RED)]), *size)[0]
    assert tuple(said[-2, 1]) == RED
    assert (said[: height // 2] == mapped[: height // 2]).all()


def test_lines_stand_above_each_other_from_the_lowest_up() -> None:
    colors = [(0, 0, 200), (0, 200, 0), (200, 0, 0)]
    scene = Scene(BLANK, lines=[("words", color) for color in colors])
    picture, _ = draw(scene, 640, 480)
    seen = [tuple(row.tolist()) for row in picture[::-1, 2]]
    assert [color for color in dict.fromkeys(seen) if color in colors] == colors
    assert seen[0] == colors[0]


def test_a_line_that_is_longer_than_the_picture_is_made_to_fit() -> None:
    picture, _ = draw(Scene(BLANK, lines=[("long " * 20 + "end|", GRAY)]), 640, 480)
    assert (picture[-2] == GRAY).all()
    letters = np.flatnonzero((picture[-20:-2] != GRAY).any((0, 2)))
    assert 600 < letters[-1] < 638


@pytest.mark.parametrize("size", [*SIZES, (700, 700), (800, 300), (333, 777)])
@pytest.mark.parametrize("frame", [(640, 480), (1920, 1080), (480, 800), (101, 77)])
def test_a_place_in_the_picture_is_found_in_the_frame(
    size: tuple[int, int], frame: tuple[int, int]
) -> None:
    width, height = frame
    side = height // 4
    left, top = width // 2, height // 2
    image = frame_with_a_square(left, top, side, width, height)
    picture, place = draw(Scene(live(image, [])), *size)
    assert place is not None
    x, y = place.in_frame(*map(round, middle(picture, RED)))
    tolerance = 1.5 + 1 / place.scale
    assert x == pytest.approx(left + side / 2, abs=tolerance)
    assert y == pytest.approx(top + side / 2, abs=tolerance)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("sure", "chosen", "color"),
    [(True, None, canvas.GOOD), (False, None, GRAY), (True, 0, CHOSEN), (False, 0, CHOSEN)],
)
def test_boxes_lie_around_their_digits_in_the_colour_of_their_kind(
    size: tuple[int, int], sure: bool, chosen: int | None, color: tuple[int, int, int]
) -> None:
    box = (300, 200, 120, 120)
    image = frame_with_a_square(*box[:3])
    picture, place = draw(Scene(live(image, [digit(box, sure=sure)]), chosen), *size)
    assert place is not None
    left, top, width, height = (round(side * place.scale) for side in box)
    left, top = left + place.left, top + place.top
    for x, y in ((left, top), (left, top + height), (left + width, top + height)):
        assert has_near(picture, x, y, color)
    center = picture[top + height // 2, left + width // 2].astype(int)
    assert np.abs(center - RED).max() < 5
    x, y = place.in_frame(left + width // 2, top + height // 2)
    assert (x, y) == pytest.approx((360, 260), abs=1 + 1 / place.scale)


def test_every_digit_of_a_card_has_a_box_and_unsure_ones_are_gray(reader: Reader) -> None:
    image = Card().frame(0)
    unsure = Reader(min_confidence=1.01).read(image).digits
    for digits, color in ((reader.read(image).digits, canvas.GOOD), (unsure, GRAY)):
        picture, place = draw(Scene(live(image, digits)), 1280, 720)
        assert place is not None
        assert len(digits) == 10
        for each in digits:
            left, top, width, height = each.box
            x = place.left + round((left + width) * place.scale)
            y = place.top + round((top + height) * place.scale)
            assert has_near(picture, x, y, color)


def test_boxes_at_the_edge_and_larger_than_the_frame_are_drawn() -> None:
    image = np.full((480, 640, 3), 90, np.uint8)
    boxes = [(0, 0, 20, 20), (620, 460, 20, 20), (0, 0, 640, 480), (639, 0, 1, 1)]
    picture, place = draw(Scene(live(image, [digit(box) for box in boxes])), 640, 480)
    assert place is not None
    for left, top, width, height in boxes:
        x = min(place.left + round((left + width / 2) * place.scale), picture.shape[1] - 2)
        y = place.top + round((top + height) * place.scale)
        assert has_near(picture, x, y, canvas.GOOD), (left, top)


def test_the_frame_keeps_its_shape_and_is_as_large_as_can_be() -> None:
    image = np.full((480, 640, 3), RED, np.uint8)
    for width, height in SIZES:
        picture, place = draw(Scene(live(image, [])), width, height)
        assert place is not None
        down, across = np.nonzero((picture == RED).all(2))
        seen = np.ptp(across) + 1, np.ptp(down) + 1
        assert seen == pytest.approx((640 * place.scale, 480 * place.scale), abs=1)
        assert (across.min(), down.min()) == (place.left, place.top)
        room = (0.64 * width, height) if width > height else (width, 0.64 * height)
        assert max(seen[0] / room[0], seen[1] / room[1]) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("size", SIZES)
def test_the_finders_steps_take_the_place_of_the_frame_alone(
    reader: Reader, size: tuple[int, int]
) -> None:
    reading, stage = read(reader, 10), Stage(reader)
    plain, _ = draw(stage.scene(reading, []), *size)
    stage.explains = True
    picture, place = draw(stage.scene(reading, []), *size)
    width, height = size
    assert picture.shape == (height, width, 3)
    assert place is None
    panel = np.s_[:, -width // 3 :] if width > height else np.s_[-height // 3 :]
    assert np.array_equal(picture[panel], plain[panel])
    room = np.s_[:, : width // 2] if width > height else np.s_[: height // 2]
    assert (picture[room] != plain[room]).any(2).mean() > 0.2


@pytest.mark.parametrize(
    "frame",
    [(640, 480), (1280, 720), (3840, 2160), (160, 120), (4000, 300), (300, 3000), (64, 4000)],
)
def test_a_new_window_suits_its_frames_and_can_be_drawn(frame: tuple[int, int]) -> None:
    width, height = usual_size(*frame)
    assert width % 2 == height % 2 == 0
    assert height >= 480
    assert width <= 1280
    image = np.full((*frame[::-1], 3), 90, np.uint8)
    reading = live(image, [digit((3, 3, frame[0] // 2, frame[0] // 2))])
    for steps in ([], [("a step of the finder", image), ("another one", image[..., 0])] * 2):
        picture, _ = draw(Scene(reading, 0, steps=steps), width, height)
        assert picture.shape == (height, width, 3)


def test_a_common_camera_is_shown_in_its_own_size() -> None:
    width, height = usual_size(640, 480)
    _, place = draw(Scene(live(np.zeros((480, 640, 3), np.uint8), [])), width, height)
    assert place == Place(0, 0, 1.0)


@pytest.mark.parametrize("tap", TAPS, ids=lambda tap: tap.name)
@pytest.mark.parametrize("room", [(400, 100), (100, 400), (230, 230), (60, 20)])
def test_tiles_fill_their_room(tap, room: tuple[int, int]) -> None:
    picture = maps.tiles(np.zeros(tap.shape, np.float32), tap.shape, *room)
    assert picture.dtype == np.uint8
    height, width = picture.shape[:2]
    assert width <= room[0]
    assert height <= room[1]
    assert 2 * max(width / room[0], height / room[1]) > 1


def test_each_map_has_a_tile_with_its_least_value_dark_and_its_greatest_light() -> None:
    activation = np.zeros((6, 28, 28), np.float32)
    for number in range(6):
        activation[number] = 100 * number
        activation[number, 5:9, 5:9] += 0.01
        activation[number, 20:24, 20:24] -= 0.01
    picture = maps.tiles(activation, (6, 28, 28), 3 * 56, 2 * 56)
    assert picture.shape == (2 * 56, 3 * 56, 3)
    dark, light = maps._palette()[[0, 255]]
    for number in range(6):
        row, column = divmod(number, 3)
        tile = picture[56 * row :, 56 * column :][:56, :56]
        assert (tile[12:16, 12:16] == light).all()
        assert (tile[42:46, 42:46] == dark).all()
        assert not (tile[30:34, 30:34] == dark).all()
        assert not (tile[30:34, 30:34] == light).all()


def test_units_are_tiles_on_one_scale_and_what_is_left_over_is_paper() -> None:
    activation = np.array([-1, 0, 1, -2, 2], np.float32)
    picture = maps.tiles(activation, (5,), 60, 40)
    assert picture.shape == (40, 60, 3)
    dark, middle, light = maps._palette()[[0, 128, 255]]
    colors = [picture[10 + 20 * row, 10 + 20 * column] for row in (0, 1) for column in (0, 1, 2)]
    expected = [dark, middle, light, dark, light, canvas.PAPER]
    assert [tuple(color) for color in colors] == [tuple(color) for color in expected]


@pytest.mark.parametrize("size", [(1, 1), (5, 300), (300, 5), (50, 30), (90, 200), (1600, 60)])
def test_a_picture_of_any_size_can_be_drawn(reader: Reader, size: tuple[int, int]) -> None:
    stage, reading = Stage(reader), read(reader, 10)
    for stage.shows_keys, stage.explains in ((False, False), (True, False), (False, True)):
        scene = stage.scene(reading, [("a line that is long", canvas.BAD)] * 5)
        assert draw(scene, *size)[0].shape == (size[1], size[0], 3)
