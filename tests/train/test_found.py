"""Candidates of made pages, compared with the truth."""

import cv2
import numpy as np
import pytest
import torch

from digitlens.vision.candidates import find
from digitlens.vision.foreground import separate
from digitlens_train.found import _unread, found, match
from digitlens_train.mnist import load_subset
from digitlens_train.outliers import OUTLIER
from digitlens_train.pages import Hands, Page


@pytest.fixture(scope="module")
def hands() -> Hands:
    return Hands(load_subset().train)


def page() -> Page:
    """A ring, a bar that touches it, and a frame around both."""
    owner = np.zeros((240, 320), np.int16)
    ring, bar, frame = np.zeros((3, 240, 320), np.uint8)
    cv2.ellipse(ring, (120, 120), (35, 60), 0, 0, 360, 1, 10)
    cv2.line(bar, (200, 60), (200, 180), 1, 10)
    cv2.rectangle(frame, (40, 20), (280, 220), 1, 4)
    for owned, value in ((frame, -1), (ring, 1), (bar, 2)):
        owner[owned > 0] = value
    image = np.where(owner != 0, 40, 220).astype(np.uint8)
    boxes = (80, 55, 81, 131), (195, 55, 11, 131)
    return Page("framed", np.repeat(image[..., None], 3, 2), (0, 1), False, boxes, owner)


def test_candidates_are_matched_with_the_digit_that_they_are() -> None:
    made = page()
    foreground = separate(made.image)
    pool = find(foreground, _unread)
    matches = match(made, pool, foreground.gray.shape)
    assert set(matches.digit[matches.is_digit].tolist()) == {0, 1}
    for number in np.flatnonzero(matches.is_digit).tolist():
        x, y, width, height = made.boxes[matches.digit[number]]
        candidate = pool.candidates[number]
        sides = candidate.left, candidate.top, candidate.width, candidate.height
        assert sides == pytest.approx((x, y, width, height), abs=6)
    frames = [n for n, c in enumerate(pool.candidates) if c.width > 200]
    assert frames
    assert not matches.is_digit[frames].any()


def test_found_glyphs_are_digits_and_non_digits(hands: Hands) -> None:
    split = found(21, hands, seed=3)
    counts = np.bincount(split.labels.numpy(), minlength=11)
    assert counts[OUTLIER] > 50
    assert (counts[:10] > 0).sum() >= 8
    assert split.images.shape[1:] == (28, 28)
    assert (split.images.flatten(1).amax(1) > 0).all()


def test_found_glyphs_are_the_same_by_seed(hands: Hands) -> None:
    one, again, other = (found(2, hands, seed) for seed in (1, 1, 2))
    assert torch.equal(one.images, again.images)
    assert torch.equal(one.labels, again.labels)
    assert one.images.shape != other.images.shape or not torch.equal(one.images, other.images)
