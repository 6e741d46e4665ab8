"""What a command asks the kernel for, and commands without a network or on a read-only disk; Linux.

strace and unshare show and hold what no reading of the code can: the libraries below are covered.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from command import Result

TOOLS = ("strace", "unshare", "mount")
COMMAND = (sys.executable, "-m", "digitlens")


def missing_tools() -> list[str]:
    """List what is not installed here."""
    return [tool for tool in TOOLS if not shutil.which(tool)]


def calls(command: Sequence[object], kind: str, folder: Path, **variables: str) -> list[str]:
    """Run a command in `folder`, and give the system calls of a kind, of its children too.

    `kind` is what strace's option --trace takes, such as `%network`.
    """
    log = folder.parent / f"{folder.name}.strace"
    tracer = [
        "strace",
        "-f",
        "-qq",
        "-y",
        "-s",
        "4096",
        "--signal=none",
        f"--trace={kind}",
        "-o",
        log,
    ]
    result = run([*tracer, *command], folder, **variables)
    assert result.status == 0, result.err
    lines = [line.partition(" ")[2].strip() for line in log.read_text().splitlines()]
    return [line for line in lines if not re.match(r"\+\+\+|<\.\.\. ", line)]


def without_network(command: Sequence[object], folder: Path) -> Result:
    """Run a command where there is no network interface but a loopback that is down."""
    return run(["unshare", "--map-root-user", "--net", *command], folder)


def on_read_only_disks(command: Sequence[object], folder: Path, **variables: str) -> Result:
    """Run a command where nothing can be written but below `folder` and $TMPDIR.

    /dev/shm stays as it is: it is memory that processes share.
    """
    script = (
        'mount --bind "$0" "$0"\n'
        'mount --bind "$TMPDIR" "$TMPDIR"\n'
        "for place in $(findmnt --kernel --list --noheadings --output TARGET); do\n"
        '  case "$place" in "$0" | "$TMPDIR" | /dev/shm) continue ;; esac\n'
        '  mount -o remount,bind,ro "$place" 2>/dev/null\n'
        "done\n"
        'cd "$0" && exec "$@"'
    )
    wrapped = ["unshare", "--map-root-user", "--mount", "sh", "-c", script, folder, *command]
    return run(wrapped, folder, **variables)


def run(command: Sequence[object], folder: Path, **variables: str) -> Result:
    """Run a command in `folder`, with more environment variables.

    Libraries that report their use keep quiet where CI is set, which no user has.
    """
    inherited = {name: value for name, value in os.environ.items() if name != "CI"}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=inherited | variables,
        capture_output=True,
        text=True,
        timeout=300,
    )
    return Result(done.returncode, done.stdout, done.stderr)
