"""Width and height of an image file from its first bytes, before it is decoded.

A PNG of 49 KB can decode to 1.2 GB, so the size is checked first. The formats are those that
people have photos and scans in; each parser follows the format's own specification.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass

from digitlens.errors import ImageError


@dataclass(frozen=True, slots=True)
class Header:
    """Format, and size in pixels."""

    format: str
    width: int
    height: int


def parse(content: bytes) -> Header:
    """Read the header of PNG, JPEG, BMP, WebP, GIF or TIFF bytes.

    Raises:
        ImageError: the bytes are of another kind, or damaged within the header.
    """
    for name, (signature, offset, size) in _FORMATS.items():
        if content[offset : offset + len(signature)] == signature:
            format_name = name.partition(" ")[0]
            try:
                width, height = size(content)
            except (struct.error, IndexError, KeyError, OverflowError) as error:
                raise ImageError(f"not an image: its {format_name} header is damaged") from error
            if width < 1 or height < 1:
                raise ImageError(f"not an image: its {format_name} header says {width}×{height}")
            return Header(format_name, width, height)
    raise ImageError("not an image: neither PNG, JPEG, BMP, WebP, GIF nor TIFF")


def _png(content: bytes) -> tuple[int, int]:
    """Walk all chunks: a decoder sets aside what one promises, up to 4 GB, before it reads it."""
    position = 8
    for _ in range(_MOST_CHUNKS):
        size, kind = struct.unpack_from(">I4s", content, position)
        position += 12 + size
        if position > len(content):
            break
        if kind == b"IEND":
            return struct.unpack_from(">II", content, 16)
    raise ImageError("not an image: its PNG data is truncated")


def _jpeg(content: bytes) -> tuple[int, int]:
    position = 2
    while True:
        while content[position] != 0xFF:
            position += 1
        while content[position] == 0xFF:
            position += 1
        marker = content[position]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", content, position + 4)
            return width, height
        if marker == 0x00 or 0x02 <= marker <= 0xBF:
            raise KeyError(marker)  # reserved: no decoder agrees on what follows
        stands_alone = marker == 0x01 or 0xD0 <= marker <= 0xD8
        length = 0 if stands_alone else struct.unpack_from(">H", content, position + 1)[0]
        position += 1 + length


def _bmp(content: bytes) -> tuple[int, int]:
    if struct.unpack_from("<I", content, 14)[0] == 12:
        return struct.unpack_from("<HH", content, 18)
    width, height = struct.unpack_from("<ii", content, 18)
    return width, abs(height)  # a negative height means rows from top to bottom


def _webp(content: bytes) -> tuple[int, int]:
    kind = content[12:16]
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", content, 26)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L":
        bits = struct.unpack_from("<I", content, 21)[0]
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind != b"VP8X":
        raise KeyError(kind)
    width, height = (int.from_bytes(content[i : i + 3], "little") + 1 for i in (24, 27))
    return width, height


def _gif(content: bytes) -> tuple[int, int]:
    return struct.unpack_from("<HH", content, 6)


def _tiff(content: bytes) -> tuple[int, int]:
    order = "<" if content[:2] == b"II" else ">"
    word, count, entry_size = _TIFF_WORDS[max(content[2:4])]
    word_size = struct.calcsize(word)
    directory = struct.unpack_from(order + word, content, word_size)[0]
    entries = struct.unpack_from(order + count, content, directory)[0]
    sizes: dict[int, int] = {}
    for index in range(min(entries, _MOST_ENTRIES)):
        entry = directory + struct.calcsize(count) + index * entry_size
        tag, kind = struct.unpack_from(order + "HH", content, entry)
        type_ = {3: "H", 16: "Q"}.get(kind, "I")
        value = struct.unpack_from(order + type_, content, entry + entry_size - word_size)[0]
        sizes.setdefault(tag, value)  # of several, decoders take the first
    return sizes[256], sizes[257]


_TIFF_WORDS = {42: ("I", "H", 12), 43: ("Q", "Q", 20)}
"""By version, 43 being BigTIFF: types of an offset and of the count of entries, bytes of each."""
_MOST_ENTRIES = 0xFFFF
"""As many as the count of version 42 can say."""

_MOST_CHUNKS = 1 << 17
"""Encoders write chunks of 8 KiB and more, so 512 MiB need no more than half of these."""

_Size = Callable[[bytes], tuple[int, int]]
_FORMATS: dict[str, tuple[bytes, int, _Size]] = {
    "PNG": (b"\x89PNG\r\n\x1a\n", 0, _png),
    "JPEG": (b"\xff\xd8\xff", 0, _jpeg),
    "BMP": (b"BM", 0, _bmp),
    "WebP": (b"WEBP", 8, _webp),
    "GIF": (b"GIF8", 0, _gif),
    "TIFF (little-endian)": (b"II*\0", 0, _tiff),
    "TIFF (big-endian)": (b"MM\0*", 0, _tiff),
    "TIFF (little-endian, 64 bits)": (b"II+\0", 0, _tiff),
    "TIFF (big-endian, 64 bits)": (b"MM\0+", 0, _tiff),
}
