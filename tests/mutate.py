"""Valid image files of every kind that is read, and files that are nearly so; by a fixed seed."""

import io
import random
import struct
import zlib
from collections.abc import Iterator

import cv2
import numpy as np
from PIL import Image

SUFFIXES = {"PNG": ".png", "JPEG": ".jpg", "WEBP": ".webp", "BMP": ".bmp", "TIFF": ".tif",
            "GIF": ".gif"}  # fmt: skip
NUMBERS = (0, 1, 2, 7, 0x7F, 0x80, 0xFF, 0x100, 8000, 60_000, 0x7FFF, 0x8000, 0xFFFF, 0x10000,
           0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)  # fmt: skip
"""Values at which decoders go wrong: ends of ranges, and sizes that promise much."""


def valid(page: np.ndarray) -> list[tuple[str, bytes]]:
    """Give files by suffix, of every format and of the kinds of pixels that each has."""
    small = cv2.resize(page, (180, 84), interpolation=cv2.INTER_AREA)
    color = Image.fromarray(cv2.cvtColor(small, cv2.COLOR_BGR2RGB))
    grey = color.convert("L")
    deep = Image.fromarray(np.asarray(grey, np.uint16) * 257)
    clear = color.copy()
    clear.putalpha(grey.point(lambda value: 255 - value))
    frames = [grey.rotate(angle) for angle in (0, 5, 10)]
    animated = {"save_all": True, "append_images": frames[1:], "duration": 40}
    palette, bits = color.quantize(16), grey.convert("1")
    wanted: list[tuple[str, Image.Image, dict[str, object]]] = [
        *(("PNG", each, {}) for each in (grey, color, clear, deep, palette, bits)),
        ("PNG", palette, {"transparency": 3}),
        ("PNG", frames[0], animated),
        *(("JPEG", each, {"quality": 80}) for each in (grey, color, color.convert("CMYK"))),
        ("JPEG", color, {"progressive": True, "exif": b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\3\0"
                                                      b"\1\0\0\0\6\0\0\0\0\0\0\0"}),
        ("JPEG", color, {"restart_marker_blocks": 2, "optimize": True}),
        *(("WEBP", each, {"lossless": lossless}) for each in (color, clear) for lossless in (0, 1)),
        ("WEBP", frames[0], animated),
        *(("BMP", each, {}) for each in (grey, color, bits, palette, clear)),
        *(("TIFF", color, {"compression": name}) for name in
          ("raw", "tiff_lzw", "tiff_adobe_deflate", "jpeg", "packbits")),
        *(("TIFF", each, {}) for each in (deep, clear, grey.convert("F"), palette)),
        ("TIFF", bits, {"compression": "group4"}),
        ("TIFF", frames[0], {"save_all": True, "append_images": frames[1:]}),
        ("TIFF", grey, {"big_tiff": True}),
        *(("GIF", each, {"interlace": lace}) for each in (palette, grey) for lace in (0, 1)),
        ("GIF", frames[0], animated | {"disposal": 2}),
    ]  # fmt: skip
    for width, height in ((1, 1), (1, 60_000), (60_000, 1), (3, 9000)):
        line = Image.fromarray(np.full((height, width), 200, np.uint8))
        wanted += [(name, line, {}) for name in SUFFIXES if name != "WEBP" or width * height < 2]
    return [(SUFFIXES[name], _encoded(name, each, options)) for name, each, options in wanted]


def _encoded(name: str, image: Image.Image, options: dict[str, object]) -> bytes:
    stream = io.BytesIO()
    image.save(stream, name, **options)
    return stream.getvalue()


def mutated(seeds: list[tuple[str, bytes]], count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Give `count` files, each changed in one to three ways; the suffix may lie too."""
    dice = random.Random(seed)
    for number in range(count):
        suffix, content = seeds[number % len(seeds)]
        changed = bytearray(content)
        for _ in range(dice.choice((1, 1, 2, 3))):
            dice.choice(CHANGES)(changed, dice)
        if suffix == ".png" and dice.random() < 0.7:
            changed = bytearray(with_right_sums(bytes(changed)))
        yield (
            dice.choice(list(SUFFIXES.values())) if dice.random() < 0.05 else suffix,
            bytes(changed),
        )


def _flip_bits(content: bytearray, dice: random.Random) -> None:
    for _ in range(dice.choice((1, 2, 8, 40))):
        if content:
            content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)


def _flip_bits_of_the_header(content: bytearray, dice: random.Random) -> None:
    for _ in range(dice.choice((1, 2, 4))):
        if content:
            content[dice.randrange(min(len(content), 80))] ^= 1 << dice.randrange(8)


def _cut_off(content: bytearray, dice: random.Random) -> None:
    del content[dice.randrange(len(content) + 1) :]


def _cut_out(content: bytearray, dice: random.Random) -> None:
    start = dice.randrange(len(content) + 1)
    del content[start : start + dice.choice((1, 4, 100))]


def _copy_within(content: bytearray, dice: random.Random) -> None:
    start, size = dice.randrange(len(content) + 1), dice.choice((4, 32, 500))
    to = dice.randrange(len(content) + 1)
    content[to : to + dice.choice((0, size))] = content[start : start + size]


def _put_a_number(content: bytearray, dice: random.Random) -> None:
    kind = dice.choice(("<H", ">H", "<I", ">I"))
    size = struct.calcsize(kind)
    if len(content) > size:
        at = dice.randrange(min(len(content) - size, dice.choice((40, 200, 100_000))))
        content[at : at + size] = struct.pack(kind, dice.choice(NUMBERS) % (1 << 8 * size))


def _put_noise(content: bytearray, dice: random.Random) -> None:
    at = dice.randrange(len(content) + 1)
    content[at : at + dice.choice((0, 16))] = dice.randbytes(16)


CHANGES = (
    _flip_bits,
    _flip_bits_of_the_header,
    _cut_off,
    _cut_out,
    _copy_within,
    _put_a_number,
    _put_a_number,
    _put_noise,
)


def with_right_sums(content: bytes) -> bytes:
    """Give the same PNG with checksums that are right, so that decoders read on."""
    parts, position = [content[:8]], 8
    while position + 12 <= len(content):
        (size,) = struct.unpack_from(">I", content, position)
        body = content[position + 4 : position + 8 + size]
        parts += [content[position : position + 4], body, struct.pack(">I", zlib.crc32(body))]
        position += 12 + size
    return b"".join(parts) + content[position:]
