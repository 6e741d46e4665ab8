"""Windows on a screen."""

import subprocess
import sys

_PROBE = "import cv2; cv2.namedWindow('digitlens'); cv2.waitKey(1); cv2.destroyAllWindows()"


def problem(timeout: float = 20.0) -> str | None:
    """Say why no window can be opened, or None if one can.

    A window is really opened, in a process of its own: without a display OpenCV aborts the
    process, which nothing in it can prevent.
    """
    try:
        probe = subprocess.run(
            [sys.executable, "-c", _PROBE], capture_output=True, text=True, timeout=timeout
        )
    except subprocess.TimeoutExpired:
        return f"opening one took more than {timeout:g} s"
    if probe.returncode == 0:
        return None
    lines = [line.strip() for line in probe.stderr.splitlines() if line.strip()]
    said = next((line for line in lines if "display" in line or "not implemented" in line), None)
    return said or (lines[-1] if lines else f"it ended with status {probe.returncode}")
