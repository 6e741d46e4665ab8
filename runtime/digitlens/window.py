"""Windows on a screen."""

import subprocess
import sys

import cv2
import numpy as np
from numpy.typing import NDArray

_PROBE = "import cv2; cv2.namedWindow('digitlens'); cv2.waitKey(1); cv2.destroyAllWindows()"


def problem(timeout: float = 20.0) -> str | None:
    """Say why no window can be opened, or None if one can.

    A window is really opened, in a process of its own: without a display OpenCV aborts the
    process, which nothing in it can prevent.
    """
    try:
        probe = subprocess.run(
            [sys.executable, "-P", "-c", _PROBE], capture_output=True, text=True, timeout=timeout
        )
    except subprocess.TimeoutExpired:
        return f"opening one took more than {timeout:g} s"
    if probe.returncode == 0:
        return None
    lines = [line.strip() for line in probe.stderr.splitlines() if line.strip()]
    if any("not implemented" in line for line in lines):
        return "this OpenCV was built without windows"
    said = next((line for line in lines if "display" in line), None)
    return said or (lines[-1] if lines else f"it ended with status {probe.returncode}")


_NAMES = {27: "esc", 9: "tab", 32: "space"}


class Window:
    """A window that can be resized; ask `problem` first whether there can be one."""

    def __init__(self, title: str, width: int, height: int) -> None:
        self._title, self._is_full = title, False
        self._clicks: list[tuple[int, int]] = []
        cv2.namedWindow(title, cv2.WINDOW_NORMAL | cv2.WINDOW_GUI_NORMAL | cv2.WINDOW_FREERATIO)
        cv2.resizeWindow(title, width, height)
        cv2.setMouseCallback(title, self._on_mouse)
        self._size = width, height

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of its inside in pixels: pictures of that size are shown as they are."""
        return self._size

    @property
    def is_open(self) -> bool:
        """Whether nobody has closed it."""
        try:
            return cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) >= 1
        except cv2.error:  # Qt's backend raises it once the last window is gone
            return False

    def show(self, picture: NDArray[np.uint8]) -> None:
        """Show a picture, uint8 `[h, w, 3]` in BGR."""
        cv2.imshow(self._title, picture)

    def key(self, wait_ms: int) -> str:
        """Wait for a key, and let the window live: a character, `esc`, `tab`, `space`, or ``."""
        code = cv2.waitKeyEx(max(wait_ms, 1)) & 0xFFFF  # arrows and the like are above 255
        if self.is_open:
            width, height = cv2.getWindowImageRect(self._title)[2:]
            self._size = max(width, 1), max(height, 1)
        return _NAMES.get(code, chr(code).lower() if 32 < code < 127 else "")

    def take_clicks(self) -> list[tuple[int, int]]:
        """Give where the left mouse button was pressed since the last call: x, y in the picture."""
        clicks, self._clicks = self._clicks, []
        return clicks

    def toggle_full_screen(self) -> None:
        """Fill the screen, or no longer."""
        self._is_full = not self._is_full
        how = cv2.WINDOW_FULLSCREEN if self._is_full else cv2.WINDOW_NORMAL
        cv2.setWindowProperty(self._title, cv2.WND_PROP_FULLSCREEN, how)

    def close(self) -> None:
        """Remove it from the screen."""
        if self.is_open:
            cv2.destroyWindow(self._title)

    def _on_mouse(self, event: int, x: int, y: int, flags: int, data: object) -> None:
        del flags, data
        if event == cv2.EVENT_LBUTTONDOWN:
            self._clicks.append((x, y))
