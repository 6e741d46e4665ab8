"""What tests do with a page in a real Chromium."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, ConsoleMessage, Page

from waiting import until

PHONE, DESK, WALL = (360, 740), (1280, 800), (3840, 2160)


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


def _is_fault(said: ConsoleMessage) -> bool:
    """Tell an error from what the browser says of an answer that is no success, or of none."""
    is_answer = "Failed to load resource" in said.text or "WebSocket connection to" in said.text
    return said.type == "error" and not is_answer


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
