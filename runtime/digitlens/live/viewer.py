"""A watch that is shown in a window, steered by keys, and recorded."""

import time
from collections.abc import Iterator
from pathlib import Path

from digitlens import canvas
from digitlens.canvas import Color, Picture
from digitlens.errors import DigitlensError, ImageError
from digitlens.live import snapshot, view
from digitlens.live.recorder import SUFFIX, Recorder, check
from digitlens.live.stage import Stage
from digitlens.live.view import Line, Place
from digitlens.live.watch import Watch
from digitlens.reading import LiveReading
from digitlens.window import Window

TITLE = "digitlens"
_WAIT = 0.05
"""Seconds without a frame after which the window is served."""
_SAID = 4.0
"""Seconds for which a message stays."""
_STATS_PERIOD = 0.5
"""Seconds for which rates stay, so that they can be read."""


class Viewer:
    """Shows what a watch reads, in a window or in none, and records it.

    Args:
        watch: what is read.
        stage: what of it is shown.
        has_window: whether a window is opened; ask `digitlens.window.problem` first.
        record: a file to record into from the first frame on, or None.
        is_raw: record frames as they came, with nothing drawn into them.
        folder: where the key `s` saves and the key `r` records.
        shows_stats: whether rates are shown from the first frame on.

    Raises:
        UsageError: `record` cannot be written.
    """

    def __init__(
        self,
        watch: Watch,
        stage: Stage,
        *,
        has_window: bool,
        record: Path | None = None,
        is_raw: bool = False,
        folder: Path = Path(),
        shows_stats: bool = False,
    ) -> None:
        if record:
            check(record)
        self._watch, self._stage, self._has_window = watch, stage, has_window
        self._record_path, self._is_raw, self._folder = record, is_raw, folder
        self._shows_stats = shows_stats
        self._window: Window | None = None
        self._recorder: Recorder | None = None
        self._reading: LiveReading | None = None
        self._place: Place | None = None
        self._is_paused = self._is_stepping = self._is_done = False
        self._said: tuple[Line, float] | None = None
        self._drawn: object = None
        self._stats, self._stats_due = "", 0.0

    def run(self) -> Iterator[LiveReading | ImageError | None]:
        """Give every reading, the error of a damaged frame, or None where none came for a while.

        Ends when the source ends, the window is closed or `q` is pressed. Call `close` afterwards,
        whatever happened.

        Raises:
            SourceError: the source never gave a frame.
            UsageError: the recording cannot be written.
        """
        while not self._is_done:
            result: LiveReading | ImageError | None = None
            try:
                if not self._is_paused or self._is_stepping:
                    result = self._watch.next(_WAIT)
            except ImageError as error:
                self._say(str(error), canvas.BAD)
                result = error
            if isinstance(result, LiveReading):
                self._take(result)
            elif result is None and self._watch.has_ended and not self._is_paused:
                return
            yield result
            if self._window:
                assert self._reading is not None  # there is no window before the first
                self._serve(self._window, self._reading)

    def close(self) -> None:
        """Finish the recording, close the window and the source.

        Raises:
            UsageError: the recording could not be written as a whole.
        """
        self._watch.close()
        if self._window:
            self._window.close()
        recorder, self._recorder = self._recorder, None
        if recorder:
            recorder.close()

    def _take(self, reading: LiveReading) -> None:
        if self._reading is None:
            self._begin(reading)
        if time.monotonic() >= self._stats_due:
            self._stats = f"{self._watch.provider}: {self._watch.meter.recent()}"
            self._stats_due = time.monotonic() + _STATS_PERIOD
        self._reading, self._is_stepping = reading, False
        picture = None
        if self._window:
            picture = self._show(self._window, reading)
        if self._recorder:
            self._recorder.write(self._recorded(reading, picture), reading.time)

    def _begin(self, reading: LiveReading) -> None:
        if self._has_window:
            self._window = Window(TITLE, *view.usual_size(reading.width, reading.height))
            self._say("h shows the keys")
        if self._record_path:
            self._recorder = Recorder(self._record_path, self._watch.feed.rate)

    def _recorded(self, reading: LiveReading, picture: Picture | None) -> Picture:
        if self._is_raw:
            return reading.image
        if picture is not None:
            return picture
        size = view.usual_size(reading.width, reading.height)
        return view.draw(self._stage.scene(reading, []), *size)[0]

    def _show(self, window: Window, reading: LiveReading) -> Picture:
        lines = self._lines()
        self._drawn = lines, window.size
        scene = self._stage.scene(reading, lines)
        picture, self._place = view.draw(scene, *window.size)
        window.show(picture)
        return picture

    def _serve(self, window: Window, reading: LiveReading) -> None:
        """Let the window live, and do what was pressed in it."""
        key = window.key(30 if self._is_paused else 1)
        if not window.is_open:
            self._is_done = True
            return
        for x, y in window.take_clicks():
            if self._place:
                self._stage.choose_at(reading, *self._place.in_frame(x, y))
                self._drawn = None
        if key:
            self._press(key, window, reading)
            self._drawn = None
        if self._drawn != (self._lines(), window.size):
            self._show(window, reading)

    def _press(self, key: str, window: Window, reading: LiveReading) -> None:
        stage = self._stage
        if key in ("q", "esc"):
            self._is_done = True
        elif key == "space":
            self._is_paused = not self._is_paused
        elif key == ".":
            self._is_paused = self._is_stepping = True
        elif key == "tab":
            stage.choose_next(reading)
        elif key.isdecimal() and key != "0":
            stage.show_tap(int(key))
        elif key == "m":
            stage.shows_maps = not stage.shows_maps
        elif key == "e":
            stage.explains = not stage.explains
        elif key == "h":
            stage.shows_keys = not stage.shows_keys
        elif key == "i":
            self._shows_stats = not self._shows_stats
        elif key == "f":
            window.toggle_full_screen()
        elif key in ("s", "r"):
            try:
                self._save(reading) if key == "s" else self._switch_recording()
            except DigitlensError as error:
                self._say(str(error), canvas.BAD)

    def _save(self, reading: LiveReading) -> None:
        chosen = self._stage.chosen(reading)
        path = snapshot.save(reading, chosen, self._watch.reader, self._folder)
        self._say(f"saved {path}")

    def _switch_recording(self) -> None:
        recorder, self._recorder = self._recorder, None
        if recorder:
            recorder.close()
            self._say(f"recorded {recorder.path}" if recorder.written else "nothing was recorded")
        else:
            path = snapshot.free_name(self._folder, SUFFIX)
            self._recorder = Recorder(path, self._watch.feed.rate)

    def _say(self, text: str, color: Color = canvas.GOOD) -> None:
        self._said = (text, color), time.monotonic() + _SAID

    def _lines(self) -> list[Line]:
        lines: list[Line] = []
        if self._shows_stats:
            lines.append((self._stats, view.GRAY))
            lines.append((self._watch.feed.description, view.GRAY))
        if self._said and time.monotonic() < self._said[1]:
            lines.append(self._said[0])
        if self._is_paused:
            lines.append(("paused", view.CHOSEN))
        if self._recorder:
            lines.append((f"recording {self._recorder.path.name}", canvas.BAD))
        if trouble := self._watch.feed.trouble:
            lines.append((trouble, canvas.BAD))
        return lines
