from pathlib import Path

import cv2
import numpy as np
import pytest

from digitlens import Reader, sources
from digitlens.errors import ImageError, NotFoundError


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader()


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".webp", ".gif", ".tiff"])
@pytest.mark.parametrize("inverted", [False, True])
def test_every_format_in_either_polarity_is_read(
    reader: Reader, digits: list[np.ndarray], tmp_path: Path, suffix: str, inverted: bool
) -> None:
    for label, image in enumerate(digits):
        path = tmp_path / f"{label}{suffix}"
        shown = cv2.cvtColor(255 - image if inverted else image, cv2.COLOR_GRAY2BGR)
        assert cv2.imwrite(str(path), shown)
        assert reader.read(path).text == str(label)


@pytest.mark.parametrize("inverted", [False, True])
def test_gray_color_16_bit_and_alpha_all_give_the_same_reading(
    reader: Reader, digits: list[np.ndarray], tmp_path: Path, inverted: bool
) -> None:
    for label, image in enumerate(digits):
        shown = 255 - image if inverted else image
        ink = np.full((28, 28), 0 if inverted else 255, np.uint8)
        variants = {
            "gray": shown,
            "gray16": shown.astype(np.uint16) * 257,
            "color": cv2.cvtColor(shown, cv2.COLOR_GRAY2BGR),
            "color16": cv2.cvtColor(shown, cv2.COLOR_GRAY2BGR).astype(np.uint16) * 257,
            "alpha": np.dstack([shown] * 3 + [np.full((28, 28), 255, np.uint8)]),
            "transparent paper": np.dstack([ink] * 3 + [image]),
        }
        for name, variant in variants.items():
            path = tmp_path / f"{name}.png"
            cv2.imwrite(str(path), variant)
            reading = reader.read(path)
            assert reading.text == str(label), name
            expected = reader.read(image).digits[0].glyph
            assert np.abs(reading.digits[0].glyph - expected).max() < 0.01, name


def test_coloured_ink_is_read(reader: Reader, digits: list[np.ndarray]) -> None:
    for ink in ((160, 60, 20), (30, 30, 200)):
        for label, image in enumerate(digits):
            share = image[..., None] / 255
            colored = (255 * (1 - share) + np.array(ink) * share).astype(np.uint8)
            assert reader.read(colored).text == str(label)


PNG = cv2.imencode(".png", np.random.default_rng(0).integers(0, 255, (40, 50), np.uint8))[
    1
].tobytes()
JPEG = cv2.imencode(".jpg", np.zeros((40, 50), np.uint8))[1].tobytes()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"hello, this is a text", "neither PNG, JPEG"),
        (PNG[:-20], "truncated"),
        (PNG[:20], "truncated"),
        (JPEG[: len(JPEG) // 2], "JPEG"),
        (JPEG[:5], "JPEG header is damaged"),
        (PNG[:40] + b"\0" * 40 + PNG[80:], "PNG data is damaged"),
        (b"BM" + b"\0" * 40, "BMP header"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "WebP header is damaged"),
        (b"II*\0\xff\xff\xff\x7f", "TIFF header is damaged"),
        (b"II+\0\x08\0\0\0" + b"\xff" * 8, "TIFF header is damaged"),
        (JPEG[:2] + b"\xff\x00\x00\x09" + b"\0" * 7 + JPEG[2:], "JPEG header is damaged"),
    ],
)
def test_what_is_no_image_is_refused_with_the_reason(content: bytes, reason: str) -> None:
    with pytest.raises(ImageError, match=reason):
        sources.decode(content)


def test_more_than_64_megapixels_are_refused_by_the_header() -> None:
    content = bytearray(PNG)
    content[16:24] = (30_000).to_bytes(4, "big") + (2_134).to_bytes(4, "big")
    with pytest.raises(ImageError, match="too large: 30000×2134 pixels, at most 64 megapixels"):
        sources.decode(bytes(content))


def test_folders_are_walked_in_natural_order(tmp_path: Path) -> None:
    names = ["a/10.png", "a/9.PNG", "a/5²6.png", "a/b/1.jpg", "z.bmp", "10/x.png", "2/x.png"]
    for name in [*names, ".hidden/1.png", "a/.2.png", "a/notes.txt"]:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(PNG)
    found = [path.relative_to(tmp_path).as_posix() for path in sources.image_files(tmp_path)]
    assert found == [
        "2/x.png",
        "10/x.png",
        "a/5²6.png",
        "a/9.PNG",
        "a/10.png",
        "a/b/1.jpg",
        "z.bmp",
    ]


def test_missing_files_and_empty_folders_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no such file"):
        sources.read(tmp_path / "missing.png")
    with pytest.raises(ImageError, match="no images in this folder"):
        list(sources.expand(str(tmp_path)))
    with pytest.raises(ImageError, match="it is a folder"):
        sources.read(tmp_path)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((10, 10)),
        np.zeros((10, 10), np.int32),
        np.zeros((10, 10, 2), np.uint8),
        np.zeros((2, 10, 10, 3), np.uint8),
        np.zeros(10, np.uint8),
        np.zeros((0, 10), np.uint8),
    ],
    ids=["float", "int32", "two channels", "batch", "line", "no pixels"],
)
def test_arrays_that_are_no_images_are_refused(image: np.ndarray) -> None:
    with pytest.raises(ImageError, match="not an image"):
        sources.to_bgr(image)
