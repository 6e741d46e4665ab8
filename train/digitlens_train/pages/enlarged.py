"""MNIST's images as they are, enlarged on plain paper: blots, gaps and all."""

from collections.abc import Iterator

import cv2
import numpy as np

from digitlens_train.mnist import Split
from digitlens_train.pages.page import Page

NAME = "enlarged"


def enlarged(count: int, seed: int, digits: Split) -> Iterator[Page]:
    """Make pages with one of MNIST's images each, 40 to 300 pixels high, in unfiltered variety."""
    random = np.random.default_rng(seed)
    for _ in range(count):
        number = int(random.integers(len(digits.labels)))
        image, label = digits.images[number].numpy(), int(digits.labels[number])
        yield _page(image, label, random)


def _page(image: np.ndarray, label: int, random: np.random.Generator) -> Page:
    side = int(np.exp(random.uniform(np.log(40), np.log(300))))
    large = cv2.resize(image, (side, side), interpolation=cv2.INTER_CUBIC)
    margin = round(side * random.uniform(0.05, 1))
    ink = np.pad(large, margin).astype(np.float32)
    light = random.uniform(170, 250) + random.uniform(-25, 25) * np.linspace(-1, 1, len(ink))
    gray = light - ink * (random.uniform(0.3, 0.8) * light.min() / 255)
    if random.random() < 0.4:
        gray = cv2.GaussianBlur(gray, (0, 0), side * random.uniform(0.004, 0.015))
    gray = gray + random.normal(0, random.uniform(0, 5), gray.shape)
    if random.random() < 0.25:
        gray = 255 - gray
    frame = np.clip(gray, 0, 255).astype(np.uint8)
    owner = (ink > 100).astype(np.int16)
    box = cv2.boundingRect(owner.astype(np.uint8))
    x, y, width, height = (int(length) for length in box)
    image = np.asarray(cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR), np.uint8)
    return Page(NAME, image, (label,), False, ((x, y, width, height),), owner)
