"""Take the screenshots of `digitlens serve` that the documentation shows.

    python scripts/screenshot_serve.py docs

Writes `serve-live.png`, `serve-draw.png`, `serve-photo.png` and `serve-network.png` at the size of
a desk's screen, and all four on a phone, dark, side by side, as `serve-phone.png`.
"""

import os
from pathlib import Path

import click
import cv2
import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Page

from digitlens.capture.test_card import Card
from digitlens.files import write_png
from served import chromium, serving

DESK, PHONE = {"width": 1280, "height": 900}, {"width": 360, "height": 780}
STROKES = (
    [(0.10, 0.25), (0.26, 0.22), (0.15, 0.85)],
    [(0.44, 0.15), (0.40, 0.55), (0.56, 0.55)],
    [(0.53, 0.32), (0.52, 0.88)],
    [(0.72, 0.30), (0.82, 0.18), (0.86, 0.35), (0.72, 0.84), (0.90, 0.82)],
)
"""A 7, a 4 and a 2, in shares of the paper."""


def photo() -> bytes:
    """Give a sheet with digits, and something that is none."""
    frame = Card(900, 480, digits=8).frame(60)
    cv2.putText(frame, "X", (120, 300), cv2.FONT_HERSHEY_SIMPLEX, 3, (60, 50, 50), 8, cv2.LINE_AA)
    return cv2.imencode(".png", frame)[1].tobytes()


def live(page: Page) -> None:
    """Wait for ten digits, and look at the 4."""
    button = page.locator("#live-panel .choices button")
    button.nth(9).wait_for()
    button.nth(3).click()
    page.wait_for_timeout(1500)


def draw(page: Page) -> None:
    """Draw digits."""
    box = page.locator("#draw-paper").bounding_box()
    assert box
    for stroke in STROKES:
        places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
        page.mouse.move(*places[0])
        page.mouse.down()
        for place in places[1:]:
            page.mouse.move(*place, steps=10)
        page.mouse.up()
    page.wait_for_timeout(800)


def read_photo(page: Page) -> None:
    """Choose a file."""
    page.set_input_files("#photo-file", {"name": "desk.png", "mimeType": "", "buffer": photo()})
    page.locator("#photo-steps img").last.wait_for()
    page.wait_for_timeout(500)


def network(page: Page) -> None:
    """Choose a unit of conv2."""
    page.locator("canvas[data-layer=conv2]").click(position={"x": 60, "y": 20})
    page.wait_for_timeout(500)
    page.evaluate("window.scrollTo(0, 0)")


VIEWS = {"live": live, "draw": draw, "photo": read_photo, "network": network}


def picture(page: Page) -> NDArray[np.uint8]:
    """Take a screenshot, uint8 `[h, w, 3]`, blue, green, red."""
    data = np.frombuffer(page.screenshot(), np.uint8)
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


@click.command(help=__doc__)
@click.argument("folder", type=click.Path(path_type=Path))
def main(folder: Path) -> None:
    """Take all of them."""
    with serving(os.sched_getaffinity(0)) as (address, _), chromium() as browser:
        desk = browser.new_page(viewport=DESK)
        phone = browser.new_page(viewport=PHONE, color_scheme="dark")
        phones = []
        for name, act in VIEWS.items():
            for page in (desk, phone):
                page.goto(f"{address}#{name}")
                act(page)
            write_png(folder / f"serve-{name}.png", picture(desk))
            phones.append(picture(phone))
        write_png(folder / "serve-phone.png", np.concatenate(phones, axis=1))


if __name__ == "__main__":
    main()
