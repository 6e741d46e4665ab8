"""`digitlens camera` in a real window: keys and the mouse do what they say."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from digitlens.reading import Reading
from screen import Screen
from waiting import until

pytestmark = pytest.mark.screen


class Live:
    """A running `digitlens camera` and its window."""

    def __init__(
        self, screen: Screen, folder: Path, *arguments: str, source: str = "test:"
    ) -> None:
        command = [sys.executable, "-m", "digitlens", "camera", source, "--output", str(folder)]
        self.screen, self.folder = screen, folder
        self.process = subprocess.Popen(
            [*command, *arguments], env=screen.environment, stderr=subprocess.PIPE, text=True
        )
        self.window = screen.find_window(self.process.pid, "digitlens")
        until(self.picture().any, "something is drawn")

    def picture(self) -> np.ndarray:
        return self.screen.picture(self.window)

    def still(self) -> np.ndarray:
        """Give the picture once nothing moves and no message comes or goes any more."""
        last = [self.picture()]

        def is_still() -> bool:
            before, last[0] = last[0], self.picture()
            return same(before, last[0])

        until(is_still, "a still picture")
        return last[0]

    def press(self, key: str) -> np.ndarray:
        """Press a key and give the picture once it has changed."""
        before = self.picture()
        self.screen.press(key)
        until(lambda: not same(before, self.picture()), f"{key} changes the picture")
        return self.still()

    def files(self, pattern: str) -> list[Path]:
        return sorted(self.folder.glob(pattern))

    def end(self) -> str:
        _, err = self.process.communicate(timeout=30)
        assert self.process.returncode == 0, err
        return err


def same(one: np.ndarray, other: np.ndarray) -> bool:
    return one.shape == other.shape and np.array_equal(one, other)


@pytest.fixture
def live(screen: Screen, tmp_path: Path) -> Iterator[Live]:
    live = Live(screen, tmp_path)
    yield live
    live.process.kill()
    live.process.communicate(timeout=30)


@pytest.fixture
def paused(live: Live) -> Live:
    """The same, held at a frame on which all digits are named."""
    until(lambda: named(live.picture()), "the digits are named")
    live.press("space")
    return live


def named(picture: np.ndarray) -> bool:
    """Whether there are green boxes in the picture."""
    return bool((picture == (40, 140, 20)).all(2).sum() > 200)


def panel(picture: np.ndarray) -> np.ndarray:
    return picture[:, round(picture.shape[1] * 0.64) :]


def test_the_window_shows_digits_that_move_and_ends_when_it_is_closed(live: Live) -> None:
    until(lambda: named(live.picture()), "the digits are named")
    before = live.picture()
    until(lambda: not same(before, live.picture()), "the frames go on")
    live.screen.press("alt+F4")
    assert "640×480" in live.end()


@pytest.mark.parametrize("key", ["q", "Escape"])
def test_a_key_ends_it(live: Live, key: str) -> None:
    live.screen.press(key)
    live.end()


def test_pause_holds_the_picture_and_a_step_takes_one_frame(paused: Live) -> None:
    held = paused.still()
    stepped = paused.press("period")
    assert same(stepped, paused.still())
    assert not same(held, stepped)
    paused.screen.press("space")
    moving = paused.picture()
    until(lambda: not same(moving, paused.picture()), "it goes on")


def test_pause_holds_the_last_picture(screen: Screen, photo: Path, tmp_path: Path) -> None:
    seconds = 5.0
    live = Live(screen, tmp_path, "--rate", str(1 / seconds), source=str(photo))
    live.press("space")
    time.sleep(seconds)
    assert live.process.poll() is None
    live.screen.press("space")
    live.end()


def test_arrow_keys_do_nothing(paused: Live) -> None:
    before = paused.still()
    paused.screen.press("Left", "Up", "Right", "Down", "F1")
    assert same(paused.still(), before)
    assert paused.process.poll() is None
    assert not list(paused.folder.iterdir())


def test_maps_taps_and_help_come_and_go(paused: Live) -> None:
    before = paused.still()
    without = paused.press("m")
    assert (panel(without)[-150:-10, :200] == 255).all()
    assert not (panel(before)[-150:-10, :200] == 255).all()
    assert same(paused.press("m"), before)
    alone = [paused.press(key) for key in "123456"]
    assert all(not same(one, other) for one, other in pairwise(alone))
    assert same(paused.press("6"), before)
    rates = paused.press("i")
    assert (rates[-30:, :200] != before[-30:, :200]).any()
    assert same(rates[:360], before[:360])
    paused.press("i")
    keys = paused.press("h")
    assert keys[:200, :300].mean() < before[:200, :300].mean() / 2
    assert same(paused.press("h"), before)


def test_tab_and_a_click_choose_the_digit(paused: Live) -> None:
    first = paused.still()
    second = paused.press("Tab")
    assert not same(panel(first), panel(second))
    left, top, width, height = chosen_box(first)
    paused.screen.click(paused.window, left + width // 2, top + height - 10)
    until(lambda: same(paused.picture(), first), "a click chooses the first digit again")


def chosen_box(picture: np.ndarray) -> tuple[int, ...]:
    """Give the box of the chosen digit, which is blue, with its label on top."""
    blue = (picture == (200, 90, 20)).all(2).astype(np.uint8)
    blue[-60:] = 0  # lines of text may have the colour too
    return tuple(cv2.boundingRect(blue))


def test_saving_writes_the_frame_the_reading_and_the_maps(paused: Live) -> None:
    paused.screen.press("s")
    until(lambda: paused.files("*-maps.png"), "three files are saved")
    (frame,) = [path for path in paused.files("*.png") if "maps" not in path.name]
    image = cv2.imread(str(frame))
    assert image is not None
    assert image.shape == (480, 640, 3)
    saved = json.loads(frame.with_suffix(".json").read_text())
    assert len(saved["digits"]) == 10
    again = read_again(image)
    assert saved["text"] == again.text


def read_again(image: np.ndarray) -> Reading:
    from digitlens import Reader

    return Reader().read(image)


def test_the_key_r_records_and_ends_the_recording(live: Live) -> None:
    live.screen.press("r")
    until(lambda: live.files(".*.mp4"), "a recording begins beside its place")
    until(lambda: named(live.picture()), "the digits are named")
    live.screen.press("r")
    (path,) = until(lambda: live.files("digitlens-*.mp4"), "it is in its place")
    video = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    is_there, frame = video.read()
    assert is_there
    assert frame.shape == (480, 1000, 3)


def test_the_explanation_and_full_screen(paused: Live) -> None:
    before = paused.still()
    explained = paused.press("e")
    assert not same(explained, before)
    paused.press("e")
    paused.screen.press("f")
    until(lambda: paused.screen.place(paused.window)[2:] == (1280, 800), "it fills the screen")
    assert named(paused.still())
    paused.screen.press("f")
    until(lambda: paused.screen.place(paused.window)[2:] == (1000, 480), "it is as it was")


def test_a_small_window_is_filled_and_a_tiny_one_ends_nothing(paused: Live) -> None:
    paused.screen.resize(paused.window, 40, 30)
    until(lambda: paused.picture().shape == (30, 40, 3), "it is tiny")
    paused.screen.resize(paused.window, 480, 640)
    until(lambda: paused.picture().shape == (640, 480, 3), "it is small")
    small = paused.still()
    assert named(small)
    assert (small[600:] == 255).any()
