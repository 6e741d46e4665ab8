"""A real Ray cluster of two nodes on this machine, each with one core."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

RAY = Path(sys.executable).with_name("ray")
ACCESS = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "t" * 64, "RAY_USAGE_STATS_ENABLED": "0"}
"""Environment variables of all that may talk to the cluster."""


class Cluster:
    """Its address, and its second node."""

    def __init__(self, port: int) -> None:
        self.address = f"127.0.0.1:{port}"
        _ray("start", "--head", "--port", str(port), "--num-cpus", "1",
             "--include-dashboard", "false")  # fmt: skip
        self.first = set(_raylets())
        _ray("start", "--address", self.address, "--num-cpus", "1")
        (self.second,) = set(_raylets()) - self.first

    def kill_second(self) -> None:
        """Kill it as a power cut would."""
        os.kill(self.second, signal.SIGKILL)


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Start a cluster, and stop it at the end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    try:
        yield Cluster(port)
    finally:
        _ray("stop", "--force")


def _ray(*arguments: str) -> None:
    command = [str(RAY), *arguments]
    done = subprocess.run(command, env=os.environ | ACCESS, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def _raylets() -> list[int]:
    """List the processes that are nodes."""
    return [int(path.parent.name) for path in Path("/proc").glob("[0-9]*/exe") if _is_raylet(path)]


def _is_raylet(executable: Path) -> bool:
    try:
        return executable.readlink().name == "raylet"
    except OSError:  # it has just ended, or is another user's
        return False
