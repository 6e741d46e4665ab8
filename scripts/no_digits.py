"""Make 200 pictures without a digit.

    python scripts/no_digits.py FOLDER

writes them with a manifest.json that `scripts/bench_photos.py FOLDER` reads. Where
scikit-image and scikit-learn are installed, the photos that they ship are among them.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import cv2
import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Picture = NDArray[np.uint8]
Random = np.random.Generator

COUNT = 200
SIZES = [(480, 640), (720, 1280), (400, 400), (300, 900), (960, 1280)]
# None of these fonts is used in training.
FONTS = ["cmr10", "cmss10", "cmtt10", "cmti10", "cmb10"]
TEXT = (
    "the quick brown fox jumps over a lazy dog while many people talk about weather and food every "
    "day in small towns near the river where nothing much happens but gardens grow"
)


def paper(random: Random) -> Picture:
    """Give an empty sheet: coloured, unevenly lit, with grain."""
    height, width = SIZES[random.integers(len(SIZES))]
    y, x = np.indices((height, width)) / max(height, width)
    angle = random.uniform(0, 2 * np.pi)
    light = 1 + random.uniform(0, 0.4) * (np.cos(angle) * x + np.sin(angle) * y)
    shade = light / light.max() * random.uniform(0.5, 1)
    colour = random.uniform(0.85, 1, 3) * 255
    grain = random.normal(0, random.uniform(1, 6), (height, width, 1))
    return np.clip(shade[..., np.newaxis] * colour + grain, 0, 255).astype(np.uint8)


def shadow(random: Random) -> Picture:
    """Let a hard or soft shadow fall onto a sheet."""
    sheet = paper(random)
    height, width = sheet.shape[:2]
    mask = np.zeros((height, width), np.float32)
    corners = random.uniform(0, 1, (random.integers(3, 6), 2)) * (width, height)
    cv2.fillPoly(mask, [corners.astype(np.int32)], 1)
    mask = cv2.GaussianBlur(mask, (0, 0), random.uniform(1, 40))
    factor = 1 - mask[..., np.newaxis] * random.uniform(0.2, 0.6)
    return (sheet * factor).astype(np.uint8)


def ruled(random: Random) -> Picture:
    """Rule a sheet, one way or both."""
    sheet = paper(random)
    height, width = sheet.shape[:2]
    step, tilt = int(random.integers(16, 80)), random.uniform(-0.05, 0.05)
    colour = random.uniform(60, 160, 3).tolist()
    thickness = int(random.integers(1, 3))
    for row in range(-width // step, (height + width) // step):
        y = row * step
        cv2.line(sheet, (0, y), (width, round(y + tilt * width)), colour, thickness, cv2.LINE_AA)
        if step % 2:
            cv2.line(sheet, (y, 0), (round(y - tilt * height), height), colour, thickness)
    return sheet


def texture(random: Random) -> Picture:
    """Weave cloth, stone or wood from noise of several widths."""
    height, width = SIZES[random.integers(len(SIZES))]
    total = np.zeros((height, width), np.float32)
    for _ in range(random.integers(1, 5)):
        noise = random.normal(0, 1, (height, width)).astype(np.float32)
        wide = random.uniform(0.7, 25, 2)
        blurred = cv2.GaussianBlur(noise, (0, 0), wide[0], sigmaY=wide[1])
        total += blurred / blurred.std() * random.uniform(0.3, 1)
    gray = 128 + total / total.std() * random.uniform(10, 60)
    return _coloured(np.clip(gray, 0, 255), random)


def scribble(random: Random) -> Picture:
    """Scribble with a pen: long lines that cross themselves."""
    sheet = paper(random)
    for _ in range(random.integers(1, 6)):
        size = random.uniform(60, 250)
        at = random.uniform(0, 1, 2) * sheet.shape[1::-1]
        steps = np.cumsum(random.normal(0, 1, (random.integers(40, 90), 2)), 0)
        path = cv2.GaussianBlur(steps.astype(np.float32), (1, 9), 0)
        path = (path - path.mean(0)) / max(np.ptp(path, 0).max(), 1e-6) * size + at
        cv2.polylines(sheet, [path.astype(np.int32)], False, (60, 40, 40), 3, cv2.LINE_AA)
    return sheet


def shapes(random: Random) -> Picture:
    """Draw boxes, triangles, stars and arrows, filled or not; no circle, no bar."""
    sheet = paper(random)
    for _ in range(random.integers(1, 9)):
        corners = int(random.integers(3, 9))
        angles = np.sort(random.uniform(0, 2 * np.pi, corners))
        radius = random.uniform(0.3, 1, corners) * random.uniform(30, 100)
        centre = random.uniform(0.1, 0.9, 2) * sheet.shape[1::-1]
        path = np.stack([np.cos(angles), np.sin(angles)], 1) * radius[:, np.newaxis] + centre
        colour = random.uniform(0, 120, 3).tolist()
        if random.random() < 0.5:
            cv2.fillPoly(sheet, [path.astype(np.int32)], colour, cv2.LINE_AA)
        else:
            cv2.polylines(sheet, [path.astype(np.int32)], True, colour, 4, cv2.LINE_AA)
    return sheet


def letters(random: Random) -> Picture:
    """Set a few large letters that resemble no digit."""
    text = "".join(random.choice(list("AEFHKMNPRTWXYacefhkmnrtuwx"), random.integers(3, 7)))
    return _set([text], int(random.integers(50, 120)), random)


def page(random: Random) -> Picture:
    """Set a page of printed words, with all their letters."""
    lines = [" ".join(random.choice(TEXT.split(), 12)) for _ in range(random.integers(4, 30))]
    return _set(lines, int(random.integers(16, 34)), random)


def keyboard(random: Random) -> Picture:
    """Draw keys with a letter on each, light on dark."""
    size = int(random.integers(40, 80))
    board = np.full((4 * size + 40, 10 * size + 40, 3), 30, np.uint8)
    image = Image.fromarray(board)
    pen, font = ImageDraw.Draw(image), _font("cmss10", size // 2)
    for number in range(40):
        x, y = 20 + number % 10 * size, 20 + number // 10 * size
        pen.rounded_rectangle((x + 3, y + 3, x + size - 3, y + size - 3), 6, (60, 60, 64))
        letter = "QWERTYUIOPASDFGHJKLXCVBNMWERTYKAHFNMWXRT"[number]
        pen.text((x + size // 4, y + size // 5), letter, (220, 220, 220), font)
    return np.array(image)


def noise(random: Random) -> Picture:
    """Give pure noise, as a covered camera does."""
    height, width = SIZES[random.integers(len(SIZES))]
    gray = random.normal(random.uniform(10, 200), random.uniform(2, 60), (height, width, 3))
    return np.clip(gray, 0, 255).astype(np.uint8)


def photos() -> Iterator[Picture]:
    """Give the photos without digits that scikit-image and scikit-learn ship."""
    try:
        from skimage import data
        from sklearn.datasets import load_sample_images
    except ImportError:
        return
    names = ["astronaut", "brick", "camera", "cat", "cell", "coffee", "coins", "grass", "gravel",
             "horse", "hubble_deep_field", "immunohistochemistry", "moon", "page", "retina",
             "rocket"]  # fmt: skip
    for name in names:
        picture = np.asarray(getattr(data, name)())
        if picture.dtype == bool:
            picture = picture.astype(np.uint8) * 255
        yield picture if picture.ndim == 2 else picture[..., 2::-1]
    for picture in load_sample_images().images:
        yield picture[..., ::-1]


def _set(lines: list[str], size: int, random: Random) -> Picture:
    font = _font(str(random.choice(FONTS)), size)
    width = max(round(font.getlength(line)) for line in lines) + 60
    image = Image.new("RGB", (width, round(1.4 * size * len(lines)) + 60), (240, 238, 235))
    pen = ImageDraw.Draw(image)
    for row, line in enumerate(lines):
        pen.text((30, 30 + 1.4 * size * row), line, (30, 30, 40), font)
    grain = random.normal(0, 3, (image.height, image.width, 3))
    return np.clip(np.array(image) + grain, 0, 255).astype(np.uint8)


def _font(name: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts/ttf", f"{name}.ttf"), size)


def _coloured(gray: NDArray[np.floating], random: Random) -> Picture:
    tint = random.uniform(0.7, 1, 3)
    return np.asarray((gray[..., np.newaxis] * tint), np.float64).astype(np.uint8)


KINDS: list[Callable[[Random], Picture]] = [
    paper, shadow, ruled, texture, scribble, shapes, letters, page, keyboard, noise,
]  # fmt: skip


def pictures(count: int, seed: int = 0) -> Iterator[tuple[str, Picture]]:
    """Give `count` named pictures: the photos, then drawn ones of all kinds in turn."""
    random = np.random.default_rng(seed)
    shipped = list(photos())
    for picture in shipped:
        yield "photo", picture
    for number in range(len(shipped), count):
        kind = KINDS[number % len(KINDS)]
        yield kind.__name__, kind(random)


@click.command(help=__doc__)
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def main(folder: Path) -> None:
    """Write the pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    manifest = []
    for number, (kind, picture) in enumerate(pictures(COUNT)):
        name = f"{number:03}_{kind}.png"
        cv2.imwrite(str(folder / name), picture)
        manifest.append({"file": name, "kind": "none", "labels": [], "origin": kind})
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
    click.echo(f"{len(manifest)} pictures in {folder}")


if __name__ == "__main__":
    main()
