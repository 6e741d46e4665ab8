"""A camera: perspective, blur, noise and JPEG."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from digitlens_train.pages.field import Ink, Plane, Random
from digitlens_train.pages.page import Box, Frame, Owner
from digitlens_train.pages.paper import Planes, noise_bytes


@dataclass(slots=True)
class Limits:
    """What decides how much blur and noise leave writing legible.

    Attributes:
        thickness: of the thinnest strokes, in pixels.
        contrast: least of ink and paper, 0…1.
    """

    thickness: float
    contrast: float

    def note(self, contrast: float) -> None:
        """Record the contrast of a pen; thin strokes count less."""
        self.contrast = min(self.contrast, contrast * min(1.0, self.thickness / 3))


def shoot(
    planes: Planes, owner: Owner, rough: Sequence[Box], random: Random, limits: Limits
) -> tuple[Frame, Owner, Sequence[Box]]:
    """Take a picture of planes, 0…1; return it with the truth as it is seen."""
    seen: list[Ink] = [
        np.asarray(cv2.convertScaleAbs(np.maximum(plane, 0, out=plane), alpha=255), np.uint8)
        for plane in planes
    ]
    if random.random() < 0.3:
        matrix = _view(owner.shape, random)
        seen, owner = _look(seen, owner, matrix)
        rough = [_seen(box, matrix, owner.shape) for box in rough]
    if random.random() < 0.6:
        sigma = random.uniform(0.3, max(min(0.3 * limits.thickness + 0.1, 2.2), 0.35))
        seen = [np.asarray(cv2.GaussianBlur(plane, (0, 0), sigma), np.uint8) for plane in seen]
    if random.random() < 0.75:
        seen = _noisy(seen, random, limits)
    frame = np.asarray(cv2.merge(seen), np.uint8)
    return (compress(frame, random) if random.random() < 0.6 else frame), owner, rough


def _view(size: tuple[int, ...], random: Random) -> Plane:
    """Choose a perspective in which nothing moves out of the picture."""
    height, width = size
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    inward = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]], np.float32)
    shift = np.abs(random.normal(0, 0.02 * min(height, width), (4, 2))).astype(np.float32)
    return np.asarray(cv2.getPerspectiveTransform(corners, corners + inward * shift))


def _look(planes: list[Ink], owner: Owner, matrix: Plane) -> tuple[list[Ink], Owner]:
    height, width = owner.shape
    frame = cv2.merge(planes)
    seen = cv2.warpPerspective(frame, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    turned = cv2.warpPerspective(owner, matrix, (width, height), flags=cv2.INTER_NEAREST)
    return [np.asarray(plane, np.uint8) for plane in cv2.split(seen)], np.asarray(turned, np.int16)


def _seen(box: Box, matrix: Plane, size: tuple[int, ...]) -> Box:
    """Return an area that contains a box after the change of perspective."""
    x, y, width, height = box
    corners = np.array([[[x, y], [x + width, y], [x + width, y + height], [x, y + height]]])
    seen = cv2.perspectiveTransform(corners.astype(np.float32), matrix)[0]
    low = np.maximum(np.floor(seen.min(0)).astype(int) - 2, 0)
    high = np.minimum(np.ceil(seen.max(0)).astype(int) + 3, (size[1], size[0]))
    return int(low[0]), int(low[1]), int(high[0] - low[0]), int(high[1] - low[1])


def _noisy(planes: list[Ink], random: Random, limits: Limits) -> list[Ink]:
    size = (planes[0].shape[0], planes[0].shape[1])
    most = 5.0 if random.random() < 0.8 else 13.0
    strength = random.uniform(0, most) * min(1.0, 1.6 * limits.contrast)
    sigma = float(random.choice([0.0, 0.6, 1.0], p=[0.5, 0.3, 0.2]))
    shared = noise_bytes(size, random, sigma)
    has_colour = random.random() < 0.25
    noises = [noise_bytes(size, random, 1.0) if has_colour else shared for _ in planes]
    return [
        np.asarray(
            cv2.addWeighted(plane, 1, noise, strength / unit, -127.5 * strength / unit), np.uint8
        )
        for plane, (noise, unit) in zip(planes, noises, strict=True)
    ]


def compress(frame: Frame, random: Random, lowest: int = 35) -> Frame:
    """Compress as JPEG and decode again."""
    quality = int(random.integers(lowest, 96))
    _, data = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
