"""What is read does not depend on whose code OpenCV runs, Intel's, Arm's or its own."""

import os
import subprocess
import sys

import pytest

DIGEST = """
import hashlib
import numpy as np
from digitlens import Reader
from digitlens.capture.test_card import Card, tiles

def sheet(side, height, width, shade):
    paper = np.repeat((230 - np.arange(width) * shade // width)[None], height, 0).astype(np.uint8)
    ways = tiles()
    for place, tile in enumerate((ways[0, 3], ways[1, 5], ways[2, 8])):
        large = np.kron(tile, np.ones((side, side), np.uint8))
        left = (place * width) // 3
        window = paper[5 : 5 + len(large), left : left + large.shape[1]]
        window -= (large // 2)[: window.shape[0], : window.shape[1]]
    return paper

found, reader = hashlib.sha256(), Reader()
for size in ((1, 91, 203, 20), (2, 147, 421, 60), (5, 443, 1281, 90)):
    reading = reader.read(sheet(*size))
    print("".join(str(digit.label) for digit in reading.digits))
    for digit in reading.digits:
        found.update(np.round(digit.glyph * 255).astype(np.uint8).tobytes())
found.update(Card(321, 243, 7).frame(200).tobytes())
print(found.hexdigest())
"""


@pytest.mark.parametrize("ipp", ["disabled", ""])
def test_glyphs_and_the_test_card_are_the_same_bytes(ipp: str) -> None:
    """The digest is that of x86-64; `scripts/test_arm64.py` compares pictures on aarch64."""
    command = [sys.executable, "-c", DIGEST]
    environment = os.environ | {"OPENCV_IPP": ipp}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    *texts, digest = done.stdout.split()
    assert texts == ["358"] * 3
    assert digest == "d86f925821d39e3ca363059118c9b0b47193894ee0d5107250c503ab69559857"
