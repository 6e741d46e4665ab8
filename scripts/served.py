"""`digitlens serve` on the test card, for scripts that look at it."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from shutil import which

from playwright.sync_api import Browser, Page, sync_playwright


@contextmanager
def serving(cores: set[int]) -> Iterator[tuple[str, int]]:
    """Serve on some cores alone; give the address and the process."""
    process = subprocess.Popen(
        [sys.executable, "-m", "digitlens", "serve", "test:", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        preexec_fn=lambda: os.sched_setaffinity(0, cores),
    )
    assert process.stdout
    try:
        yield process.stdout.readline().strip(), process.pid
    finally:
        process.terminate()
        process.communicate()


def chromium_path() -> str | None:
    """Give the browser's path, by Debian's and others' names of it."""
    found = map(which, ("chromium", "chromium-browser", "google-chrome"))
    return next(filter(None, found), None)


@contextmanager
def chromium(*flags: str) -> Iterator[Browser]:
    """Open Chromium, without a window."""
    own = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=[*own, *flags])
        yield browser
        browser.close()


def draw(page: Page, *strokes: Sequence[tuple[float, float]]) -> None:
    """Draw strokes with the mouse; points are shares of the paper's width and height."""
    paper = page.locator("#draw-paper")
    paper.wait_for()
    box = paper.bounding_box()
    assert box
    for stroke in strokes:
        places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
        page.mouse.move(*places[0])
        page.mouse.down()
        for place in places[1:]:
            page.mouse.move(*place, steps=6)
        page.mouse.up()
