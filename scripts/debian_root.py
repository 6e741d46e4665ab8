"""A Debian of any suite and processor in a folder, with a Python; Linux, as root.

Needs debootstrap, and for a foreign processor qemu-user-static, both in Debian's packages.
"""

import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from environment import CONSTRAINTS, ROOT, pip, say, stop

PACKAGES = "ca-certificates,libgl1,libglib2.0-bin,python3,python3-venv"
MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
"""Debian's names of processors, and those of Linux and PyPI."""
ENVIRONMENT = "/opt/digitlens"
"""Where the packages are put, inside."""
CHECKOUT = "/opt/checkout"
"""Where this checkout is seen, inside."""
# Without /sys: with it, onnxruntime takes the emulator's /proc/cpuinfo for an Arm's, and crashes.
_ENTER = """
set -e
mount -t proc proc "$0/proc"
mkdir -p "$0/opt/checkout"
mount --bind "$1" "$0/opt/checkout"
shift
exec chroot "$0" "$@"
"""


@dataclass(frozen=True)
class DebianRoot:
    """A root folder, which may be of another processor.

    Attributes:
        folder: where it is.
        processor: by Debian's name, such as arm64.
    """

    folder: Path
    processor: str

    def run(self, *command: str | Path, **options: object) -> "subprocess.CompletedProcess[str]":
        """Run a command inside, with what it mounts gone afterwards; options are subprocess's."""
        enter = ["unshare", "--mount", "sh", "-c", _ENTER, str(self.folder), str(ROOT)]
        return subprocess.run([*enter, *map(str, command)], text=True, **options)  # type: ignore[call-overload, no-any-return]

    def output(self, *command: str | Path) -> str:
        """Run a command inside that must succeed, and give what it printed."""
        done = self.run(*command, capture_output=True)
        if done.returncode:
            stop(f"{' '.join(map(str, command))} ended with {done.returncode}: {done.stderr}")
        return str(done.stdout)

    def python_version(self) -> str:
        """Give the version of its Python, such as 3.13."""
        code = "import sys; print('%d.%d' % sys.version_info[:2])"
        return self.output("python3", "-c", code).strip()

    def install(self, *requirements: str | Path) -> str:
        """Install wheels for its processor and Python, fetched from out here; give that Python."""
        wheels = self.folder / "opt" / "wheels"
        shutil.rmtree(wheels, ignore_errors=True)
        machine = MACHINES[self.processor]
        kinds = [f"_2_{minor}" for minor in range(5, 36)] + ["1", "2010", "2014"]  # PEP 600
        tags = [f"--platform=manylinux{kind}_{machine}" for kind in kinds]
        there = ["--only-binary=:all:", f"--python-version={self.python_version()}", *tags]
        there += ["-c", str(CONSTRAINTS), "-d", str(wheels)]
        pip(Path(sys.executable), "download", *there, *map(str, requirements))
        python = f"{ENVIRONMENT}/bin/python"
        if not (self.folder / python[1:]).is_symlink():
            self.output("python3", "-m", "venv", ENVIRONMENT)
        names = sorted(f"/opt/wheels/{path.name}" for path in wheels.glob("*.whl"))
        install = [python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
        self.output(*install, *names)
        self.output(*install, "--force-reinstall", *(n for n in names if "/digitlens-" in n))
        return python


def make(folder: Path, suite: str, processor: str) -> DebianRoot:
    """Make a root of a suite in `folder`, or take the one that is there, or exit with 2."""
    root = DebianRoot(folder, processor)
    done = folder / "suite"
    if done.exists() and done.read_text() == f"{suite} {processor}":
        return root
    if MACHINES[processor] != platform.machine():
        _check_emulation(MACHINES[processor])
    say(f"making {folder}: Debian {suite}, {processor}; this takes some minutes")
    command = ["debootstrap", f"--arch={processor}", "--variant=minbase", f"--include={PACKAGES}"]
    try:
        made = subprocess.run([*command, suite, str(folder)], capture_output=True, text=True)
    except FileNotFoundError:
        stop("debootstrap is not installed: apt install debootstrap")
    if made.returncode:
        reason = (made.stderr or made.stdout or "no reason").strip().splitlines()[-1]
        stop(f"debootstrap failed ({reason}): be root, with a network, and remove {folder}")
    done.write_text(f"{suite} {processor}")
    return root


def _check_emulation(machine: str) -> None:
    """Exit with 2 where the kernel does not run programs of a processor."""
    if not Path(f"/proc/sys/fs/binfmt_misc/qemu-{machine}").exists():
        stop(
            f"this kernel runs no programs for {machine}: apt install qemu-user-static, and "
            "without systemd: mount -t binfmt_misc none /proc/sys/fs/binfmt_misc; "
            f"cat /usr/lib/binfmt.d/qemu-{machine}.conf > /proc/sys/fs/binfmt_misc/register"
        )
