import struct

import cv2
import numpy as np
import pytest

from digitlens.image_header import parse


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".webp", ".gif", ".tiff"])
def test_the_size_is_read_from_the_header_before_decoding(suffix: str) -> None:
    content = cv2.imencode(suffix, np.zeros((40, 50, 3), np.uint8))[1].tobytes()
    header = parse(content)
    assert (header.width, header.height) == (50, 40)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("kind", "type_"), [(3, "H"), (4, "I"), (16, "Q")])
def test_the_size_is_read_from_tiff_with_64_bit_offsets(order: str, kind: int, type_: str) -> None:
    content = (b"II" if order == "<" else b"MM") + struct.pack(order + "HHHQQ", 43, 8, 0, 16, 2)
    for tag, value in ((256, 50), (257, 40)):
        number = struct.pack(order + type_, value).ljust(8, b"\0")
        content += struct.pack(order + "HHQ", tag, kind, 1) + number
    header = parse(content)
    assert (header.format, header.width, header.height) == ("TIFF", 50, 40)
