import cv2
import numpy as np
import pytest

from digitlens import Reader
from digitlens.capture.source import USUAL_RATE, Wish
from digitlens.capture.test_card import CHANGE, TILE, TILES, Card, CardSource
from digitlens.errors import UsageError


def test_a_frame_follows_from_its_number() -> None:
    card, other = Card(320, 240), Card(320, 240)
    assert np.array_equal(card.frame(7), other.frame(7))
    assert np.array_equal(card.frame(7), card.frame(7))
    assert not np.array_equal(card.frame(7), card.frame(8))
    assert card.frame(7).shape == (240, 320, 3)
    assert card.frame(7).dtype == np.uint8


@pytest.mark.parametrize(
    ("width", "height", "digits"),
    [(640, 480, 0), (640, 480, 10), (640, 480, 40), (320, 240, 3), (480, 800, 10), (120, 120, 1)],
)
def test_the_reader_reads_what_stands_on_a_card(width: int, height: int, digits: int) -> None:
    reader, card = Reader(), Card(width, height, digits)
    for number in (0, 77, 399):
        assert reader.read(card.frame(number)).text == card.text(number)
        assert len(card.text(number).replace("\n", "")) == digits


def test_every_digit_turns_into_the_next_one_once_in_a_while() -> None:
    card = Card(320, 240, 4)
    texts = ["".join(card.text(number).split()) for number in range(CHANGE + 1)]
    changes = [number for number in range(CHANGE) if texts[number] != texts[number + 1]]
    assert len(changes) == 4
    assert np.diff(changes).min() > 10
    assert texts[-1] == "".join(str((int(label) + 1) % 10) for label in texts[0])


def test_noise_changes_pixels_from_frame_to_frame_and_none_changes_none() -> None:
    still, noisy = Card(320, 240, 0, noise=0), Card(320, 240, 0, noise=4)
    assert np.array_equal(still.frame(0), still.frame(1))
    assert not np.array_equal(noisy.frame(0), noisy.frame(1))
    grain = noisy.frame(0).astype(int) - still.frame(0)
    assert grain.std() == pytest.approx(4, rel=0.1)


@pytest.mark.parametrize(
    "values",
    [
        {"width": 119},
        {"width": 7681},
        {"height": 0},
        {"height": -480},
        {"digits": -1},
        {"digits": 101},
        {"noise": -1},
        {"noise": 65},
        {"noise": float("nan")},
    ],
)
def test_a_value_out_of_range_is_refused_with_its_range(values: dict[str, int]) -> None:
    with pytest.raises(UsageError, match=r"is (-?\d+|nan): give \d+ to \d+") as error:
        Card(**values)
    assert f" is {next(iter(values.values()))}: " in str(error.value)


def test_a_name_that_asks_for_no_number_of_digits_is_refused() -> None:
    with pytest.raises(UsageError, match="no test card 'test:abc'"):
        CardSource("test:abc", Wish()).open()
    with pytest.raises(UsageError, match="number of digits is 101"):
        CardSource("test:101", Wish()).open()


@pytest.mark.parametrize("rate", [0, -5, float("nan")])
def test_a_rate_that_is_none_is_refused(rate: float) -> None:
    with pytest.raises(UsageError, match=f"{rate:g}"):
        CardSource("test:", Wish(rate=rate)).open()


def test_a_card_source_gives_what_is_asked_of_it_and_says_so() -> None:
    capture = CardSource("test:3", Wish(320, 240, 12.5)).open()
    assert capture.description == "320×240, 12.5 frames/s, 3 digits"
    assert (capture.is_live, capture.rate) == (True, 12.5)
    card = Card(320, 240, 3)
    for number in range(3):
        shot = capture.read()
        assert shot is not None
        assert shot.place == pytest.approx(number / 12.5)
        assert np.array_equal(shot.image, card.frame(number))
    capture.close()
    usual = CardSource("test:", Wish()).open()
    assert usual.description == f"640×480, {USUAL_RATE:g} frames/s, 10 digits"


def test_the_packaged_digits_are_ten_columns_in_several_hands() -> None:
    sheet = cv2.imread(str(TILES), cv2.IMREAD_UNCHANGED)
    assert sheet is not None
    assert sheet.ndim == 2
    assert sheet.shape[1] == 10 * TILE
    assert sheet.shape[0] % TILE == 0
    tiles = sheet.reshape(-1, TILE, 10, TILE).swapaxes(1, 2)
    assert len(tiles) > 1
    assert (tiles.max((2, 3)) > 200).all()
    assert len({tile.tobytes() for way in tiles for tile in way}) == 10 * len(tiles)
