"""Patterns of paths: `*`, `?` and `[…]` within a name, `**` for any number of folders.

A walk follows a pattern name by name, so that it only looks into folders where something may match.
"""

import re
from fnmatch import fnmatchcase

Pattern = tuple[str, ...]
"""One part for each name, or `**`."""

Places = set[int]
"""Parts of a pattern that the next name may match; its length, where all are matched."""

ALL: Pattern = ("**",)


def split(path: str) -> tuple[str, Pattern] | None:
    """Split a path into its fixed folder, slash included, and its pattern, if it has one."""
    first = re.search(r"[*?[]", path)
    if first is None:
        return None
    start = path.rfind("/", 0, first.start()) + 1
    return path[:start], tuple(part for part in path[start:].split("/") if part)


def begin(pattern: Pattern) -> Places:
    """Give the places before the first name."""
    return _behind_stars({0}, pattern)


def follow(name: str, places: Places, pattern: Pattern) -> Places:
    """Give the places that a name leads to from others."""
    after = set()
    for place in places:
        if place == len(pattern):
            continue
        if pattern[place] == "**":
            after.add(place)
        elif fnmatchcase(name, pattern[place]):
            after.add(place + 1)
    return _behind_stars(after, pattern)


def _behind_stars(places: Places, pattern: Pattern) -> Places:
    """Add the places behind each `**`, which may stand for nothing."""
    for place in range(len(pattern)):
        if place in places and pattern[place] == "**":
            places.add(place + 1)
    return places
