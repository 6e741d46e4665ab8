"""`digitlens camera`."""

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from digitlens.cli.options import (
    reader_options,
    source_argument,
    source_name,
    source_options,
)
from digitlens.cli.printing import LIVE_PRINTERS, Printer
from digitlens.cli.stderr import silence_libraries
from digitlens.signals import on_end
from digitlens.text import error_line, one_line

if TYPE_CHECKING:
    from digitlens.errors import ImageError
    from digitlens.live.meter import Stats
    from digitlens.live.viewer import Viewer
    from digitlens.live.watch import Watch
    from digitlens.reading import LiveReading

STATS_PERIOD = 5.0
"""Seconds between two lines of --stats."""


@click.command(
    epilog="Examples: digitlens camera --list-cameras; "
    "digitlens camera test: --no-window --frames 30 --stats; "
    "digitlens camera test: --no-window --frames 60 --record desk.mp4 --raw; "
    "digitlens camera desk.mp4 --no-window --fast --format json --changes"
)
@source_argument
@click.option("--list-cameras", "lists", is_flag=True, help="Name the cameras that answer.")
@source_options
@click.option("--no-window", is_flag=True, help="Open no window; print what is read.")
@click.option(
    "--format",
    "form",
    type=click.Choice(tuple(LIVE_PRINTERS)),
    help="How to print, a line a frame. Default: table without a window, nothing with one.",
)
@click.option("--changes", is_flag=True, help="Print only when the text that is read changes.")
@click.option("--frames", type=click.IntRange(min=1), metavar="N", help="End after N frames.")
@click.option(
    "--record",
    type=click.Path(path_type=Path),
    metavar="FILE.mp4",
    help="Record what the window shows, also without a window.",
)
@click.option("--raw", is_flag=True, help="Record the frames with nothing drawn into them.")
@click.option(
    "--tap",
    "taps",
    multiple=True,
    metavar="NAME",
    help="Draw the maps of this tap; may be given several times. Default: conv1, conv2, conv3.",
)
@click.option(
    "--output",
    "folder",
    type=click.Path(path_type=Path),
    default=Path(),
    metavar="DIR",
    help="Where the keys s and r save. Default: the current folder.",
)
@click.option("--stats", is_flag=True, help="Say rates, age of the frames and CPU share.")
@reader_options
def camera(
    place: str | None,
    source: str | None,
    *,
    lists: bool,
    width: int | None,
    height: int | None,
    rate: float | None,
    pixel_format: str | None,
    fast: bool,
    loop: bool,
    steady: bool | None,
    no_window: bool,
    form: str | None,
    changes: bool,
    frames: int | None,
    record: Path | None,
    raw: bool,
    taps: tuple[str, ...],
    folder: Path,
    stats: bool,
    min_confidence: float | None,
    threads: int | None,
    model: Path | None,
    provider: str,
) -> int:
    """Read digits live from SOURCE, and see the network at work.

    SOURCE is the number of a camera, /dev/videoN, an address such as rtsp://…, a video file, an
    image file, a folder or a quoted pattern of images, or test: for a moving test card with ten
    digits (test:40 for forty). In the window press h for the keys. A camera that falls silent is
    opened again until it comes back.

    json is one object a line, one line a frame: what classify prints, with frame, time in seconds
    and age_ms, the age of the frame when it had been read. Ends with 0 when the source ends, the
    window is closed, or on Ctrl-C; with 1 if the source never gave a frame, an image could not be
    read, or there is no screen for a window.
    """
    import cv2

    from digitlens.capture import Wish, resolve
    from digitlens.errors import UsageError
    from digitlens.live.stage import Stage
    from digitlens.live.viewer import Viewer
    from digitlens.live.watch import watch

    silence_libraries()
    if lists:
        return _list_cameras(form)
    if raw and no_window and not record:
        raise UsageError("--raw says how to record: give --record FILE.mp4")
    is_stopping = _stopping()
    name = source_name(place, source)
    if record and Path(name).exists() and record.exists() and record.samefile(name):
        raise UsageError(f"cannot record into {record}: it is the source; give another name")
    found = resolve(name, Wish(width, height, rate, pixel_format))
    has_window = not no_window and _has_screen(record)
    cv2.setNumThreads(threads or 1)
    with watch(
        found,
        model=model,
        provider=provider,
        min_confidence=min_confidence,
        threads=threads,
        fast=fast,
        loop=loop,
        steady=steady,
    ) as watched:
        viewer = Viewer(
            watched,
            Stage(watched.reader, taps),
            has_window=has_window,
            record=record,
            is_raw=raw,
            folder=folder,
            shows_stats=stats,
        )
        teller = _Teller(watched, stats=stats)
        printer = LIVE_PRINTERS[form or "table"]() if form or changes or not has_window else None
        try:
            return _run(viewer, teller, _Lines(printer, changes=changes), frames, is_stopping)
        except BrokenPipeError:
            _leave_output()
            return 0
        finally:
            viewer.close()


def _run(
    viewer: "Viewer",
    teller: "_Teller",
    lines: "_Lines",
    frames: int | None,
    is_stopping: Callable[[], bool],
) -> int:
    """Read until the end, a signal or `frames` frames; give the exit status."""
    from digitlens.errors import ImageError

    status = count = 0
    for result in viewer.run():
        teller.tell()
        if isinstance(result, ImageError):
            status = 1
            lines.write_error(result)
        elif result:
            lines.write(result)
            count += 1
        if is_stopping() or count == frames:
            break
    teller.tell_all()
    return status


class _Lines:
    """Readings on standard output, all of them or those that change the text."""

    def __init__(self, printer: Printer | None, *, changes: bool) -> None:
        self._printer, self._changes, self._text = printer, changes, ""

    def write(self, reading: "LiveReading") -> None:
        is_new, self._text = reading.text != self._text, reading.text
        if self._printer and (is_new or not self._changes):
            self._printer(reading.source, reading)

    def write_error(self, error: "ImageError") -> None:
        if self._printer:
            self._printer(error.source, error)
        else:
            click.echo(error_line(str(error)), err=True)


class _Teller:
    """What is said on standard error while frames are read."""

    def __init__(self, watched: "Watch", *, stats: bool) -> None:
        self._watch, self._stats = watched, stats
        self._description = self._trouble = ""
        self._due = time.monotonic() + STATS_PERIOD

    def tell(self) -> None:
        feed = self._watch.feed
        if feed.captured and feed.description != self._description:
            self._description = feed.description
            click.echo(one_line(f"{feed.source.name} gives {feed.description}"), err=True)
        if feed.reason != self._trouble:
            self._trouble = feed.reason
            news = f"{feed.reason}; trying again" if feed.reason else f"{feed.source.name} is back"
            click.echo(one_line(news), err=True)
        if self._stats and time.monotonic() >= self._due:
            self._due += STATS_PERIOD
            self._echo(self._watch.meter.recent())

    def tell_all(self) -> None:
        if self._stats:
            self._echo(self._watch.meter.overall(), "in all: ")

    def _echo(self, stats: "Stats", prefix: str = "") -> None:
        click.echo(f"{prefix}provider {self._watch.provider}, {stats}", err=True)


def _stopping() -> Callable[[], bool]:
    """Take Ctrl-C, SIGTERM and a closed terminal as the wish to end, however often they come."""
    is_set = threading.Event()
    on_end(lambda _: is_set.set())
    return is_set.is_set


def _has_screen(record: Path | None) -> bool:
    """Tell whether there is a window; without a screen there may be a recording alone."""
    from digitlens import window
    from digitlens.errors import WindowError

    reason = window.problem()
    if reason and not record:
        raise WindowError(
            f"no window can be opened ({reason}): use --no-window, or --record FILE.mp4"
        )
    if reason:
        click.echo(f"no window can be opened ({reason}); recording without one", err=True)
    return not reason


def _leave_output() -> None:
    """Let nothing be written any more to an output that somebody has closed."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _list_cameras(form: str | None) -> int:
    from digitlens.capture import answering_cameras, camera_name
    from digitlens.errors import UsageError

    if form == "csv":
        raise UsageError("--list-cameras has no --format csv: leave it out, or give json")
    found = [(number, camera_name(number)) for number in answering_cameras()]
    for number, name in found:
        as_json = json.dumps({"camera": number, "name": name})
        click.echo(as_json if form == "json" else f"{number}  {name}".rstrip())
    if not found:
        click.echo(
            "no camera answers: connect one, or try the test card: digitlens camera test:", err=True
        )
    return 0
