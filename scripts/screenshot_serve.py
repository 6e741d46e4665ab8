"""Take the screenshots of `digitlens serve` that the documentation shows.

    python scripts/screenshot_serve.py docs

Writes `serve-live.jpg`, `serve-draw.jpg`, `serve-photo.jpg` and `serve-network.jpg` at the size of
a desk's screen, and all four on a phone, dark, side by side, as `serve-phone.jpg`.
"""

import os
from pathlib import Path

import click
import cv2
import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Page

from digitlens.capture.test_card import Card
from digitlens.files import write_bytes
from served import chromium, draw, serving

DESK, PHONE = {"width": 1280, "height": 900}, {"width": 360, "height": 780}
STROKES = (
    [(0.10, 0.25), (0.26, 0.22), (0.15, 0.85)],
    [(0.44, 0.15), (0.40, 0.55), (0.56, 0.55)],
    [(0.53, 0.32), (0.52, 0.88)],
    [(0.72, 0.30), (0.82, 0.18), (0.86, 0.35), (0.72, 0.84), (0.90, 0.82)],
)
"""A 7, a 4 and a 2, in shares of the paper."""
IS_SETTLED = """() => {
    const buttons = [...document.querySelectorAll("#live-panel .choices button")];
    return buttons.length === 10 && buttons.every((each) => / (99|100) %$/.test(each.textContent));
}"""
QUALITY = 88
"""Of the JPEGs, 0…100: noise makes PNGs three times as large."""


def photo() -> bytes:
    """Give a sheet with digits, and something that is none."""
    frame = Card(900, 480, digits=8).frame(60)
    cv2.putText(frame, "X", (120, 300), cv2.FONT_HERSHEY_SIMPLEX, 3, (60, 50, 50), 8, cv2.LINE_AA)
    return cv2.imencode(".png", frame)[1].tobytes()


def live(page: Page) -> None:
    """Pause when no digit is just turning into another, and look at the 4."""
    digits = page.locator("#live-panel .choices button")
    digits.nth(9).wait_for()
    digits.nth(3).click()
    pause = page.locator("#live-pause")
    for _ in range(50):
        page.wait_for_timeout(300)
        pause.click()
        page.wait_for_timeout(200)
        if page.evaluate(IS_SETTLED):
            return
        pause.click()
    raise click.ClickException("the live picture never settles")


def draw_digits(page: Page) -> None:
    """Draw digits."""
    draw(page, *STROKES)
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


VIEWS = {"live": live, "draw": draw_digits, "photo": read_photo, "network": network}


def picture(page: Page) -> NDArray[np.uint8]:
    """Take a screenshot, uint8 `[h, w, 3]`, blue, green, red."""
    data = np.frombuffer(page.screenshot(), np.uint8)
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def write(path: Path, image: NDArray[np.uint8]) -> None:
    """Write a JPEG."""
    parameters = [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
    write_bytes(path, cv2.imencode(".jpg", image, parameters)[1].tobytes())


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
            write(folder / f"serve-{name}.jpg", picture(desk))
            phones.append(picture(phone))
        write(folder / "serve-phone.jpg", np.concatenate(phones, axis=1))


if __name__ == "__main__":
    main()
