"""What kind of input a file is, by its name."""

import re
from typing import Literal, cast

from digitlens.sources import SUFFIXES

Kind = Literal["image", "tar", "parquet", "npy", "npz", "idx"]

_ENDINGS: dict[Kind, str] = {
    "image": "|".join(map(re.escape, SUFFIXES)),
    "tar": r"\.tar|\.tar\.gz|\.tgz",
    "parquet": r"\.parquet",
    "npy": r"\.npy",
    "npz": r"\.npz",
    "idx": r"idx3-ubyte(\.gz)?|\.idx3?(\.gz)?",
}
_NAME = re.compile(
    "|".join(f"(?P<{kind}>.*(?:{ending}))" for kind, ending in _ENDINGS.items()),
    re.IGNORECASE | re.DOTALL,
)


def kind_of(name: str) -> Kind | None:
    """Give the kind of a file, or None where the name is that of no input."""
    found = _NAME.fullmatch(name)
    return cast("Kind", found.lastgroup) if found else None
