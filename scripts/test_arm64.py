"""Run the wheel on 64-bit Arm, emulated, and compare what it reads with this machine.

    python scripts/test_arm64.py
    python scripts/test_arm64.py --pictures FOLDER --suite bookworm

Linux, as root, with debootstrap and qemu-user-static. Makes a Debian in `.arm64` and installs the
wheel of this checkout there. Both machines read the same pictures: the test card, ten digits and
those of FOLDER. Ends with 1 where a command fails there, a glyph is not the same, or an output
differs by more than 1e-5. An emulator's times say nothing about a device and are not compared.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import click
import cv2
import numpy as np

from debian_root import DebianRoot, make
from digitlens.capture.test_card import Card, tiles
from digitlens.files import write_png
from digitlens.vision.mnist_format import mnist_image
from environment import ROOT, say, wheel

LARGEST = 1e-5
"""How far an output may differ from this machine's."""
INPUTS = "opt/inputs"

OUTPUTS = """
import sys
from pathlib import Path
import numpy as np
from digitlens import Reader

reader, found = Reader(), {}
for path in sorted(Path(sys.argv[1]).iterdir()):
    reading = reader.read(path, taps=True)
    found[f"{path.name} box"] = np.array([digit.box for digit in reading.digits])
    found[f"{path.name} glyph"] = np.array([digit.glyph for digit in reading.digits])
    found[f"{path.name} probabilities"] = np.array([d.probabilities for d in reading.digits])
    found |= {f"{path.name} {tap}": values for tap, values in reading.taps.items()}
np.savez(sys.argv[2], **found)
"""
COMMANDS = (
    "doctor --format json",
    "classify pictures --format json",
    "maps pictures/7.png -o maps.png",
    "bench --quick --format json",
    "camera test: --no-window --frames 30 --format json",
    "camera test: --no-window --frames 30 --format json --fast",
)
TIMES = {"elapsed_ms", "age_ms"}
"""Keys of results that tell how long something took."""
ROUNDING = 1.1e-4
"""Confidences are printed with four decimals."""


def draw(folder: Path) -> None:
    """Write two frames of the test card and ten digits of 28×28 pixels."""
    for number in (0, 200):
        write_png(folder / f"card-{number}.png", Card(noise=8).frame(number))
    for label, tile in enumerate(tiles()[0]):
        write_png(folder / f"{label}.png", mnist_image(tile))


def same(ours: object, theirs: object) -> bool:
    """Tell whether two results in JSON are the same, but for times and rounding."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        keys = ours.keys() - TIMES
        return ours.keys() == theirs.keys() and all(same(ours[k], theirs[k]) for k in keys)
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    if isinstance(ours, float) and isinstance(theirs, float):
        return abs(ours - theirs) < ROUNDING
    return bool(ours == theirs)


def differences(here: Path, there: Path) -> dict[str, float]:
    """Give how far the arrays of two files differ at most, by the last word of their names."""
    found: dict[str, float] = {}
    with np.load(here) as ours, np.load(there) as theirs:
        for name in ours.files:
            same = ours[name].shape == theirs[name].shape
            away = float(np.abs(ours[name] - theirs[name]).max(initial=0)) if same else np.inf
            kind = name.rpartition(" ")[2]
            found[kind] = max(found.get(kind, 0.0), away)
    return found


def compare(root: DebianRoot, python: str) -> None:
    """Run everything here and there, and print what differs."""
    folder = root.folder / INPUTS
    there = ["env", "-u", "DIGITLENS_DATA", "-C", f"/{INPUTS}", python]  # a path out here
    for words in COMMANDS:
        say(f"digitlens {words}")
        theirs = root.output(*there, "-m", "digitlens", *words.split()).splitlines()
        command = [sys.executable, "-m", "digitlens", *words.split()]
        if words.startswith("maps"):
            shutil.move(folder / "maps.png", folder / "maps-arm64.png")
        done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, text=True, check=True)
        ours = done.stdout.splitlines()
        if words.startswith("camera") and "--fast" not in words:  # who is slow leaves frames out
            check(words, len(theirs) == len(ours) == 30)
        elif words.startswith(("classify", "camera")):
            check(words, same([*map(json.loads, ours)], [*map(json.loads, theirs)]))
        elif words.startswith("maps"):
            away = pixels_apart(folder / "maps.png", folder / "maps-arm64.png")
            check(words, away <= 1, f"pixels differ by {away} of 255 at most")
        else:
            check(words, True)
    root.output(*there, "-c", OUTPUTS, "pictures", "arm64.npz")
    subprocess.run([sys.executable, "-c", OUTPUTS, "pictures", "here.npz"], cwd=folder, check=True)
    for name, away in differences(folder / "here.npz", folder / "arm64.npz").items():
        limit = 0 if name in {"box", "glyph"} else LARGEST
        check(name, away <= limit, f"differs by {away:.1e} at most")


def pixels_apart(one: Path, other: Path) -> int:
    """Give how far two pictures of one size differ at most, in levels of 255."""
    return int(cv2.norm(*(cv2.imread(str(path)) for path in (one, other)), cv2.NORM_INF))


def check(what: str, passed: bool, words: str = "") -> None:
    """Print a line of the result, and end with 1 where it is bad."""
    click.echo(f"{what:<52} {'ok' if passed else 'WRONG'}  {words}".rstrip())
    if not passed:
        raise SystemExit(1)


@click.command(help=__doc__)
@click.option("--suite", default="trixie", show_default=True, help="Of Debian.")
@click.option("--pictures", type=click.Path(exists=True, file_okay=False, path_type=Path))
def main(suite: str, pictures: Path | None) -> None:
    """Make the root, install, compare."""
    root = make(ROOT / ".arm64", suite, "arm64")
    with tempfile.TemporaryDirectory() as name:
        python = root.install(wheel(Path(name)))
    shutil.rmtree(root.folder / INPUTS, ignore_errors=True)
    (root.folder / INPUTS / "pictures").mkdir(parents=True)
    draw(root.folder / INPUTS / "pictures")
    for path in pictures.iterdir() if pictures else ():
        if path.suffix in {".png", ".jpg", ".jpeg"}:
            shutil.copy(path, root.folder / INPUTS / "pictures")
    compare(root, python)


if __name__ == "__main__":
    main()
