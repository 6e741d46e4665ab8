"""A real Chromium, and what tests do with a page in it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from screen import until

PHONE, DESK, WALL = (360, 740), (1280, 800), (3840, 2160)
_FLAGS = ("--no-sandbox", "--disable-dev-shm-usage")


def chromium() -> str | None:
    """Give the browser's path: Debian's and others' names of it."""
    found = map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))
    return next(filter(None, found), None)


@contextmanager
def browsing(*flags: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=[*_FLAGS, *flags])
        yield browser
        browser.close()


@contextmanager
def page_of(
    browser: Browser, address: str, *, size: tuple[int, int] = DESK, dark: bool = False
) -> Iterator[Page]:
    """Open a page; at its end it must have had no fault, and asked for nothing from elsewhere."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if dark else "light",
        accept_downloads=True,
    )
    page = context.new_page()
    faults: list[str] = []
    asked: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if _is_fault(said) else None)
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    yield page
    context.close()
    assert not faults
    origin = address.split("/")[2]
    assert all(url.startswith("blob:") or url.split("/")[2] == origin for url in asked), asked


def _is_fault(said: object) -> bool:
    """Tell an error from what the browser says of an answer that is no success, or of none."""
    text = said.text  # type: ignore[attr-defined]
    is_answer = "Failed to load resource" in text or "WebSocket connection to" in text
    return said.type == "error" and not is_answer  # type: ignore[attr-defined]


def draw(page: Page, *strokes: list[tuple[float, float]]) -> None:
    """Draw strokes with the mouse; points are shares of the paper's width and height."""
    box = page.locator("#draw-paper").bounding_box()
    assert box
    for stroke in strokes:
        places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
        page.mouse.move(*places[0])
        page.mouse.down()
        for place in places[1:]:
            page.mouse.move(*place, steps=6)
        page.mouse.up()


def wait_for(page: Page, expression: str) -> None:
    """Wait until an expression is true; Playwright's own way would evaluate it in the page."""
    until(lambda: page.evaluate(expression), expression)


def drop(page: Page, image: Path) -> None:
    """Drop a file onto the page."""
    data = page.evaluate_handle(
        """async ([bytes, name]) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([Uint8Array.from(bytes)], name));
            return transfer;
        }""",
        [list(image.read_bytes()), image.name],
    )
    page.dispatch_event("#photo-drop", "drop", {"dataTransfer": data})
