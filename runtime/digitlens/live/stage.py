"""What of a live reading is shown: which digit, which taps, which of the other views."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from digitlens.contract import Tap
from digitlens.errors import UsageError
from digitlens.live.view import Line, Scene
from digitlens.reader import Reader
from digitlens.reading import Digit, LiveReading

TAPS = ("conv1", "conv2", "conv3")
"""What is drawn of a digit where nothing else is chosen."""


class Stage:
    """Chooses what is shown; taps are computed for the shown digit alone, and only while shown.

    Args:
        reader: what computes taps and explains.
        taps: names of those that are drawn; by default `TAPS`, as far as the model has them.

    Attributes:
        shows_maps, shows_keys, explains: which views are on.

    Raises:
        UsageError: the model has no such tap.
    """

    def __init__(self, reader: Reader, taps: Sequence[str] = ()) -> None:
        self._reader, self._all = reader, reader.contract.taps
        usual = [tap for name in TAPS for tap in self._all if tap.name == name]
        self._usual = [self._known(name) for name in taps] or usual or list(self._all)
        self._taps = self._usual
        self._track: int | None = None
        self.shows_maps, self.shows_keys, self.explains = True, False, False

    def show_only(self, name: str) -> None:
        """Show one tap alone.

        Raises:
            UsageError: the model has no such tap.
        """
        self._taps = [self._known(name)]

    def show_tap(self, number: int) -> None:
        """Show the tap of that number, from 1, alone; once more, the usual ones again."""
        if number <= len(self._all):
            alone = [self._all[number - 1]]
            self._taps = self._usual if self._taps == alone else alone
            self.shows_maps = True

    def chosen(self, reading: LiveReading) -> int | None:
        """Give the chosen digit's number in the reading, the first if it is gone, None of none."""
        for number, digit in enumerate(reading.digits):
            if _track(digit, number) == self._track:
                return number
        return 0 if reading.digits else None

    def choose(self, track: int) -> None:
        """Choose a digit by its track; where digits are not followed, by its place."""
        self._track = track

    def choose_next(self, reading: LiveReading) -> None:
        """Choose the next digit in reading order, after the last the first."""
        if reading.digits:
            number = ((self.chosen(reading) or 0) + 1) % len(reading.digits)
            self._track = _track(reading.digits[number], number)

    def choose_at(self, reading: LiveReading, x: float, y: float) -> None:
        """Choose the digit at a place in the frame, in pixels; nothing changes if there is none."""
        for number, digit in enumerate(reading.digits):
            left, top, width, height = digit.box
            if left <= x < left + width and top <= y < top + height:
                self._track = _track(digit, number)

    def scene(self, reading: LiveReading, lines: Sequence[Line]) -> Scene:
        """Say what is to be drawn."""
        chosen = self.chosen(reading)
        return Scene(
            reading,
            chosen=chosen,
            taps=[] if chosen is None or not self.shows_maps else self._drawn(reading, chosen),
            steps=self._reader.read_with_steps(reading.image)[1] if self.explains else (),
            lines=lines,
            shows_keys=self.shows_keys,
        )

    def _known(self, name: str) -> Tap:
        known = {tap.name: tap for tap in self._all}
        if name not in known:
            raise UsageError(f"no tap {name!r}: the model has {', '.join(known)}")
        return known[name]

    def _drawn(self, reading: LiveReading, chosen: int) -> list[tuple[Tap, NDArray[np.float32]]]:
        digit = reading.digits[chosen]
        found = self._reader.activations([digit], [tap.name for tap in self._taps])
        return [(tap, found[tap.name][0]) for tap in self._taps]


def _track(digit: Digit, number: int) -> int:
    """Give what a digit is known by from frame to frame: its track, else its place."""
    return number if digit.track is None else digit.track
