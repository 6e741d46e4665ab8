"""Light on a page: gradients, tints, folds and shadows."""

import cv2
import numpy as np

from digitlens_train.pages.field import Plane, Random
from digitlens_train.pages.paper import Planes, Size, clouds
from digitlens_train.strokes import smooth

_STEP = 6
"""Pixels of the page for one of the grid that smooth light is computed on."""


def shine(planes: Planes, random: Random) -> None:
    """Light planes unevenly and in a colour, in place."""
    height, width = planes[0].shape
    size = (max(height // _STEP, 8), max(width // _STEP, 8))
    light = _gradient(size, random)
    if random.random() < 0.3:
        light += clouds(size, random, int(random.integers(2, 6))) * np.float32(
            random.uniform(0, 0.05)
        )
    if random.random() < 0.25:
        light *= _soft_shadow(size, random)
    if random.random() < 0.1:
        light += _folds(size, random)
    light *= np.float32(random.uniform(0.5, 1) if random.random() < 0.6 else 1) / light.max()
    tints = 1 + random.normal(0, 0.03, 3)
    shift = random.normal(0, 0.025, 3) if random.random() < 0.3 else np.zeros(3)
    fall = light / light.max()
    for plane, tint, change in zip(planes, tints, shift, strict=True):
        part = light * np.float32(tint) * (1 + np.float32(change) * (1 - fall) * 4)
        plane *= cv2.resize(part, (width, height), interpolation=cv2.INTER_LINEAR)


def _grid(size: Size) -> tuple[Plane, Plane]:
    """Return y and x from -1 to 1, as a column and a row."""
    height, width = size
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, np.newaxis]
    return y, np.linspace(-1, 1, width, dtype=np.float32)[np.newaxis]


def _gradient(size: Size, random: Random) -> Plane:
    y, x = _grid(size)
    slope = random.normal(0, 0.1, 2).astype(np.float32)
    light = 1 + slope[0] * x + slope[1] * y
    if random.random() < 0.4:
        middle = random.normal(0, 0.3, 2).astype(np.float32)
        depth = np.float32(random.uniform(0.05, 0.35))
        light = light - depth * ((x - middle[0]) ** 2 + (y - middle[1]) ** 2) / 2
    return np.asarray(np.maximum(light, 0.25), np.float32)


def _soft_shadow(size: Size, random: Random) -> Plane:
    shape = _outline(size, random)
    sigma = float(random.uniform(0.05, 0.2)) * max(size)
    return 1 - cv2.GaussianBlur(shape, (0, 0), sigma) * np.float32(random.uniform(0.15, 0.5))


def _folds(size: Size, random: Random) -> Plane:
    """Return the shading of creases: one side of each is lighter."""
    y, x = _grid(size)
    total = np.zeros(size, np.float32)
    for _ in range(random.integers(1, 5)):
        angle, at = random.uniform(0, np.pi), random.uniform(-0.8, 0.8)
        distance = np.float32(np.cos(angle)) * x + np.float32(np.sin(angle)) * y - np.float32(at)
        fade = np.exp(-np.abs(distance) / np.float32(random.uniform(0.1, 0.6)))
        total += np.sign(distance) * fade * np.float32(random.uniform(0.01, 0.06))
    return total


def _outline(size: Size, random: Random) -> Plane:
    """Return a shape that comes in from an edge, 1 inside: a hand, a phone, a window frame."""
    height, width = size
    shape = np.zeros(size, np.float32)
    if random.random() < 0.5:
        angle = random.uniform(0, 2 * np.pi)
        along = np.array([np.cos(angle), np.sin(angle)])
        across = np.array([-along[1], along[0]])
        point = random.uniform(0.2, 0.8, 2) * (width, height)
        far = 3 * max(size)
        depth = far if random.random() < 0.6 else random.uniform(0.1, 0.4) * max(size)
        corners = np.array(
            [point - far * along, point + far * along, point + far * along + depth * across,
             point - far * along + depth * across]
        )  # fmt: skip
    else:
        angles = np.linspace(0, 2 * np.pi, 9)[:-1]
        radius = random.uniform(0.25, 0.6) * max(size) * random.uniform(0.6, 1.2, 8)
        point = random.uniform(0, 1, 2) * (width, height)
        ring = np.stack([np.cos(angles), np.sin(angles)], 1) * radius[:, np.newaxis]
        corners = smooth(np.concatenate([ring, ring[:1]]) + point)
    cv2.fillPoly(shape, [np.rint(corners * 16).astype(np.int32)], 1.0, cv2.LINE_AA, 4)
    return shape


def cast_shadow(planes: Planes, random: Random) -> None:
    """Cast one or two shadows with a hard or soft edge, in place."""
    height, width = planes[0].shape
    for _ in range(random.integers(1, 3)):
        shape = _outline((height, width), random)
        sigma = float(random.choice([0.7, 2.0, 6.0, 0.04 * max(height, width)]))
        shadow = cv2.GaussianBlur(shape, (0, 0), min(sigma, 25.0))
        depth = random.uniform(0.2, 0.65)
        for plane, part in zip(planes, depth * (1 + random.normal(0, 0.04, 3)), strict=True):
            plane *= 1 - shadow * np.float32(min(part, 0.75))
