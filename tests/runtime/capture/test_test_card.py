import cv2
import numpy as np
import pytest

from digitlens import Reader
from digitlens.capture.source import USUAL_RATE, Wish
from digitlens.capture.test_card import CHANGE, FADE, FAINT, TILE, TILES, Card, CardSource
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
        assert card.settled(number) == (True,) * digits


def test_digits_are_read_where_their_boxes_are() -> None:
    card = Card(320, 240, 3)
    for number in (0, 77):
        found = Reader().read(card.frame(number)).digits
        for digit, (left, top, width, height) in zip(found, card.boxes(number), strict=True):
            x, y, wide, tall = digit.box
            assert left <= x < x + wide <= left + width
            assert top <= y < y + tall <= top + height


def test_one_digit_changes_at_a_time_and_all_in_turn() -> None:
    card = Card(320, 240, 4)
    frames = range(4 * CHANGE + 1)
    texts = [card.text(number).replace("\n", "") for number in frames]
    assert texts[0] == "1234"
    assert texts[::CHANGE] == ["1234", "2234", "2334", "2344", "2345"]
    for number in frames:
        fading = [digit for digit, settled in enumerate(card.settled(number)) if not settled]
        assert fading == ([number // CHANGE] if number % CHANGE >= CHANGE - FADE else [])
        faint = [digit for digit, label in enumerate(texts[number]) if label == FAINT]
        assert set(faint) <= set(fading)


def test_a_digit_fades_out_before_the_next_one_fades_in() -> None:
    card = Card(320, 240, 1, noise=0)
    blank = Card(320, 240, 0, noise=0).frame(0).astype(int)
    frames = range(CHANGE - FADE, CHANGE)
    ink = [int((blank - card.frame(number)).sum()) for number in frames]
    half = FADE // 2
    assert all(np.diff(ink[:half]) < 0)
    assert all(np.diff(ink[half:]) > 0)
    assert 0 < min(ink) < 0.15 * max(ink)
    truth = [card.text(number) for number in frames]
    quarter = FADE // 4
    assert truth == ["1"] * quarter + [FAINT] * half + ["2"] * quarter
    assert [card.settled(number) for number in (frames[0] - 1, frames[-1] + 1)] == [(True,)] * 2
    assert not any(any(card.settled(number)) for number in frames)


def test_the_change_after_a_round_starts_with_the_first_digit_again() -> None:
    card = Card(320, 240, 3)
    texts = [card.text(turn * CHANGE).replace("\n", "") for turn in range(31)]
    assert texts[3:5] == ["234", "334"]
    assert texts[30] == texts[0]


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
