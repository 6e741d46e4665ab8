"""What is in a shard: encoded images, or arrays of glyphs, a bounded number at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from digitlens.errors import DigitlensError

HELD_IMAGES, HELD_BYTES = 256, 32 << 20
"""How many encoded images are in memory together: of either, what is reached first."""


@dataclass(frozen=True, slots=True)
class Image:
    """One encoded image, or why it could not be had."""

    source: str
    content: bytes | DigitlensError


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """Images of one size, each called by the source and its number from `first`."""

    source: str
    first: int
    images: NDArray[Any]


def gathered(images: Iterator[Image]) -> Iterator[list[Image]]:
    """Gather images into lists that memory can hold; what came before an error is given first."""
    held: list[Image] = []
    size = 0
    try:
        for image in images:
            held.append(image)
            size += len(image.content) if isinstance(image.content, bytes) else 0
            if len(held) == HELD_IMAGES or size >= HELD_BYTES:
                yield held
                held, size = [], 0
    except DigitlensError:
        if held:
            yield held
        raise
    if held:
        yield held
