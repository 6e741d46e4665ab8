"""A reading saved as files: the frame, what was read in it, and the feature maps of one digit."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from itertools import count
from pathlib import Path

from digitlens import maps
from digitlens.files import write_png, write_text
from digitlens.reader import Reader
from digitlens.reading import LiveReading


def save(reading: LiveReading, chosen: int | None, reader: Reader, folder: Path) -> Path:
    """Write `digitlens-DATE-TIME.png`, `.json` and, if a digit is chosen, `-maps.png`.

    Returns:
        The frame's file.

    Raises:
        UsageError: `folder` cannot be written.
    """
    frame = free_name(folder, ".png")
    write_png(frame, reading.image)
    write_text(frame.with_suffix(".json"), json.dumps(reading.to_dict()) + "\n")
    if chosen is not None:
        full = replace(reading, taps=reader.activations(reading.digits))
        picture = maps.draw(reading.image, full, reader.contract.taps, chosen)
        write_png(frame.with_name(f"{frame.stem}-maps.png"), picture)
    return frame


def free_name(folder: Path, suffix: str) -> Path:
    """Give a name with date and time with which no file in `folder` begins yet."""
    return next(path for path in _names(folder, suffix) if not any(folder.glob(f"{path.stem}*")))


def _names(folder: Path, suffix: str) -> Iterator[Path]:
    stem = f"digitlens-{datetime.now():%Y%m%d-%H%M%S}"
    yield folder / f"{stem}{suffix}"
    for number in count(2):
        yield folder / f"{stem}-{number}{suffix}"
