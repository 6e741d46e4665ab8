"""A virtual screen with a window manager, and a hand that presses keys and looks at it."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import numpy as np
from PIL import ImageGrab

from waiting import PATIENCE, until

TOOLS = ("Xvfb", "openbox", "xdotool")
SETTINGS = """<openbox_config xmlns="http://openbox.org/3.4/rc">
  <keyboard><keybind key="A-F4"><action name="Close"/></keybind></keyboard>
  <applications><application class="*"><decor>no</decor></application></applications>
</openbox_config>"""
"""No borders, since xdotool counts them twice where a window lies; a key closes windows."""


def missing_tools() -> list[str]:
    return [tool for tool in TOOLS if not shutil.which(tool)]


class Screen:
    def __init__(self, folder: Path) -> None:
        read, write = os.pipe()
        size = "1280x800x24"
        self._processes = [
            subprocess.Popen(
                ["Xvfb", "-displayfd", str(write), "-screen", "0", size],
                pass_fds=[write],
                stderr=subprocess.DEVNULL,
            )
        ]
        os.close(write)
        with os.fdopen(read) as pipe:
            self.display = f":{pipe.readline().strip()}"
        self.environment = {**os.environ, "DISPLAY": self.display}
        settings = folder / "openbox.xml"
        settings.write_text(SETTINGS)
        manager = ["openbox", "--sm-disable", "--config-file", str(settings)]
        self._processes.append(
            subprocess.Popen(manager, env=self.environment, stderr=subprocess.DEVNULL)
        )

    def close(self) -> None:
        server, manager = self._processes
        manager.kill()  # it may take its time over a polite request
        server.terminate()
        for process in (manager, server):
            process.wait(timeout=PATIENCE)

    def find_window(self, process: int, title: str) -> str:
        """Wait for a window of a process, and give it the keyboard."""
        wanted = ("--all", "--onlyvisible", "--pid", str(process), "--name", f"^{title}$")
        found = until(lambda: self._hand("search", *wanted, may_fail=True).split(), title)
        assert isinstance(found, list)
        window = str(found[-1])
        until(lambda: self._has_keyboard(window), "the window has the keyboard")
        return window

    def _has_keyboard(self, window: str) -> bool:
        self._hand("windowfocus", window, may_fail=True)
        return self._hand("getwindowfocus", may_fail=True).strip() == window

    def press(self, *keys: str) -> None:
        for key in keys:
            self._hand("key", key)
            time.sleep(0.1)

    def click(self, window: str, x: int, y: int) -> None:
        self._hand("mousemove", "--window", window, str(x), str(y), "click", "1")

    def resize(self, window: str, width: int, height: int) -> None:
        self._hand("windowsize", "--sync", window, str(width), str(height))

    def place(self, window: str) -> tuple[int, int, int, int]:
        """Give left, top, width and height of a window on the screen."""
        text = self._hand("getwindowgeometry", "--shell", window)
        fields = dict(line.split("=") for line in text.split())
        left, top, width, height = (int(fields[n]) for n in ("X", "Y", "WIDTH", "HEIGHT"))
        return left, top, width, height

    def picture(self, window: str) -> np.ndarray:
        """Give what stands where a window is, uint8 `[h, w, 3]` in BGR."""
        left, top, width, height = self.place(window)
        root = np.asarray(ImageGrab.grab(xdisplay=self.display).convert("RGB"))[..., ::-1]
        return root[top : top + height, left : left + width].copy()

    def _hand(self, *arguments: str, may_fail: bool = False) -> str:
        done = subprocess.run(
            ["xdotool", *arguments], env=self.environment, capture_output=True, text=True
        )
        assert may_fail or done.returncode == 0, done.stderr
        return done.stdout
