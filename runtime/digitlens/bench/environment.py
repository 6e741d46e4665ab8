"""Where a benchmark is run, and whether that place is fit for one."""

import os
import platform
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime

import digitlens
from digitlens.cores import usable_cores

_BUSY, _BUSY_SHARE = 0.25, 0.05
"""Cores kept busy by others, or load average before, from which results are doubted: so many, or
this share of all where that is more."""
_SLOW_GOVERNORS = {"powersave", "conservative"}
_CPU = Path("/sys/devices/system/cpu/cpu0/cpufreq")
_SUPPLIES = Path("/sys/class/power_supply")


@dataclass(frozen=True, slots=True)
class Moment:
    """What the system counts, now: seconds since some start, None where it does not tell.

    Attributes:
        time: wall clock.
        busy: CPU time of all programs on all cores, that of a hypervisor's other guests too.
        ours: CPU time of this process and of its children that have ended.
        load: load average over one minute.
    """

    time: float
    busy: float | None
    ours: float
    load: float | None


def now() -> Moment:
    """Read the counters."""
    times = os.times()
    ours = times.user + times.system + times.children_user + times.children_system
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return Moment(time.monotonic(), _busy(), ours, load)


def describe() -> dict[str, Any]:
    """Say what this machine is and has."""
    return {
        "time": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "processor": _processor(),
        "machine": platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
        "cores": os.cpu_count(),
        "usable_cores": usable_cores(),
        "governor": _text(_CPU / "scaling_governor") or None,
        "on_battery": _is_on_battery(),
        "digitlens": digitlens.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "opencv": cv2.__version__,
        "onnxruntime": onnxruntime.__version__,
        "onnxruntime_build": onnxruntime.get_build_info(),
    }


def others(before: Moment, after: Moment) -> float | None:
    """Give how many cores other programs kept busy in between."""
    if before.busy is None or after.busy is None:
        return None
    busy = (after.busy - before.busy) - (after.ours - before.ours)
    return max(busy / max(after.time - before.time, 1e-9), 0.0)


def warnings(described: dict[str, Any], before: Moment, after: Moment) -> list[str]:
    """Say what makes this place unfit, each with its remedy."""
    found = []
    limit = max(_BUSY, _BUSY_SHARE * usable_cores())
    if (busy := others(before, after)) is not None and busy > limit:
        found.append(
            f"other programs kept {busy:.2f} cores busy while it was measured: "
            "end them and measure again"
        )
    elif busy is None and before.load is not None and before.load > limit:
        found.append(
            f"the load average was {before.load:.2f} before: end other programs and measure again"
        )
    if described["governor"] in _SLOW_GOVERNORS:
        found.append(
            f"the governor {described['governor']} keeps clocks low: "
            "'sudo cpupower frequency-set -g performance' raises them"
        )
    if described["on_battery"]:
        found.append("the machine runs on battery, which lowers clocks: plug it in")
    return found


def _busy() -> float | None:
    """Add up user, nice, system, irq, softirq and steal of /proc/stat, see proc(5)."""
    fields = _text(Path("/proc/stat")).partition("\n")[0].split()[1:]
    if len(fields) < 8:
        return None
    user, nice, system, _idle, _wait, irq, softirq, steal = map(int, fields[:8])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def _processor() -> str:
    for line in _text(Path("/proc/cpuinfo")).splitlines():
        name, _, value = line.partition(":")
        if name.strip() in ("model name", "Model"):
            return value.strip()
    return platform.processor() or platform.machine()


def _is_on_battery() -> bool | None:
    """Tell whether a battery is being drained; None where nothing tells."""
    states = [_text(path) for path in _SUPPLIES.glob("BAT*/status")]
    return any(state == "Discharging" for state in states) if states else None


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""
