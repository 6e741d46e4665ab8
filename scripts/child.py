"""A command in a process of its own, with what it printed, its time and its memory; Unix."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

_STARTER = """
import json, resource, subprocess, sys, time

start = time.perf_counter()
done = subprocess.run(sys.argv[2:], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                      timeout=float(sys.argv[1]) or None)
seconds = time.perf_counter() - start
out, err = (text.decode(errors="backslashreplace") for text in (done.stdout, done.stderr))
print(json.dumps([done.returncode, out, err, seconds,
                  resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss]))
"""
_UNIT = 1 if sys.platform == "darwin" else 1024  # bytes there, KiB elsewhere: getrusage(2)


@dataclass(frozen=True, slots=True)
class Finished:
    """What a command did: its exit status, or minus the signal that ended it, and its costs.

    `peak_mb` is the most memory in RAM that one of its processes had, in 10⁶ bytes.
    """

    status: int
    out: str
    err: str
    seconds: float
    peak_mb: float


def run(command: list[str], folder: Path | None = None, seconds: float = 0) -> Finished:
    """Run a command in `folder`, at most for some seconds, without end if 0.

    A small process starts it, since a child's peak begins with what its parent has.

    Raises:
        TimeoutError: it did not end in time, and was killed.
        OSError: it cannot be started.
    """
    starter = [sys.executable, "-c", _STARTER, str(seconds), *command]
    done = subprocess.run(starter, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        said = done.stderr.strip().splitlines()[-1]
        raise TimeoutError(said) if "TimeoutExpired" in said else OSError(said)
    status, out, err, took, peak = json.loads(done.stdout)
    return Finished(status, out, err, took, peak * _UNIT / 1e6)
