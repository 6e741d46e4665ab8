"""Fetch handwriting fonts with a free licence from the npm registry, for training.

    python scripts/handwriting_fonts.py DIR

Writes DIR/NAME.woff and DIR/NAME.LICENSE.txt for each font: Latin, weight 400, from the packages
@fontsource/NAME. Packages under another licence than the SIL Open Font License or the Apache
License are refused.
"""

import io
import json
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

import click

VERSION = "5.3.0"
NAMES = (
    "annie-use-your-telescope", "architects-daughter", "caveat", "caveat-brush",
    "cedarville-cursive", "chilanka", "covered-by-your-grace", "delius", "gaegu",
    "gloria-hallelujah", "gochi-hand", "handlee", "indie-flower", "itim", "kalam", "long-cang",
    "mansalva", "marck-script", "nanum-brush-script", "nanum-pen-script", "neucha", "oooh-baby",
    "patrick-hand", "permanent-marker", "playpen-sans", "poor-story", "reenie-beanie", "rock-salt",
    "schoolbell", "shadows-into-light", "short-stack", "sriracha", "swanky-and-moo-moo",
    "the-girl-next-door", "yomogi", "zen-kurenaido",
)  # fmt: skip
"""Fonts whose digits look handwritten and are legible, each in the pinned version.

Left out after a look at their digits: amatic-sc (a box around the 1), bad-script (old-style),
delicious-handrawn (its 4 fills up), homemade-apple (its 2 and 5), liu-jian-mao-cao (its 5 looks
like an 8), sue-ellen-francisco (its 7 looks like a 1), zhi-mang-xing (its 4 looks like a 9).
"""
LICENCES = {
    "OFL-1.1": "SIL OPEN FONT LICENSE",
    "Apache-2.0": "Apache License",
}
"""The licences that are accepted, by their SPDX identifier, and words of their texts."""


def fetch(name: str, folder: Path) -> tuple[str, bytes, bytes]:
    """Download a package into `folder`; return the SPDX identifier, its text and the font.

    Raises:
        ValueError: the package is not available, is incomplete or has another licence.
    """
    package = f"@fontsource/{name}@{VERSION}"
    command = [
        "npm",
        "pack",
        "--loglevel=error",
        "--ignore-scripts",
        "--pack-destination",
        str(folder),
    ]
    done = subprocess.run([*command, package], capture_output=True, text=True, check=False)
    archive = folder / f"fontsource-{name}-{VERSION}.tgz"
    if done.returncode or not archive.is_file():
        lines = [line for line in done.stderr.splitlines() if line.startswith("npm error")]
        reason = (lines or ["npm error npm pack failed"])[min(1, len(lines) - 1)]
        raise ValueError(f"cannot download {package}: {reason[10:]}; check the npm registry")
    with tarfile.open(archive) as files:
        licence = json.loads(_member(files, "package.json"))["license"]
        text = _member(files, "LICENSE")
        font = _member(files, f"files/{name}-latin-400-normal.woff")
    if licence not in LICENCES or LICENCES[licence].lower() not in text.decode().lower():
        raise ValueError(f"{package} is under {licence}, not {' or '.join(LICENCES)}; remove it")
    return licence, text, font


def _member(files: tarfile.TarFile, name: str) -> bytes:
    try:
        content = files.extractfile(f"package/{name}")
    except KeyError:
        content = None
    with content or io.BytesIO() as file:
        data = file.read()
    if not data:
        raise ValueError(f"{Path(str(files.name)).name} has no {name}; choose another version")
    return data


@click.command(help=__doc__)
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), metavar="DIR")
def main(folder: Path) -> None:
    """Fetch all fonts; write none that is refused."""
    if not shutil.which("npm"):
        raise click.ClickException("npm is not installed; install Node.js")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in NAMES:
            with tempfile.TemporaryDirectory() as downloads:
                licence, text, font = fetch(name, Path(downloads))
            (folder / f"{name}.LICENSE.txt").write_bytes(text)
            (folder / f"{name}.woff").write_bytes(font)
            click.echo(f"{name}.woff: {len(font):,} bytes, {licence}")
    except OSError as error:
        problem = f"cannot write into {folder}: {error.strerror}; choose another folder"
        raise click.ClickException(problem) from error
    except (ValueError, KeyError, tarfile.TarError) as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main()
