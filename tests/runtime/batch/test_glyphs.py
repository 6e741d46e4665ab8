import numpy as np
import pytest

from digitlens.batch.glyphs import of
from digitlens.vision.mnist_format import glyph, mnist_ink


def test_glyphs_of_mnist_images_are_those_of_the_reader() -> None:
    random = np.random.default_rng(0).integers(0, 256, (5, 28, 28), np.uint8)
    images = np.concatenate([random, np.full((1, 28, 28), 77, np.uint8)])
    found = of(images)
    assert np.array_equal(found.values, glyph(mnist_ink(images)))
    assert found.is_blank.tolist() == [False] * 5 + [True]
    assert not found.is_wrong.any()


@pytest.mark.parametrize("dtype", ["f2", "f4", ">f4", "f8", ">f8"])
def test_glyphs_are_taken_as_they_are(dtype: str) -> None:
    images = np.zeros((6, 32, 32), dtype)
    images[1, 4:20, 9] = 1
    images[2, 3, 3], images[3, 3, 3], images[4, 3, 3], images[5, 3, 3] = 1.01, -0.1, np.nan, np.inf
    found = of(images)
    assert found.values.dtype == np.float32
    assert np.array_equal(found.values[:2], images[:2].astype(np.float32))
    assert found.is_wrong.tolist() == [False, False, True, True, True, True]
    assert found.is_blank[:2].tolist() == [True, False]


def test_glyphs_of_bytes_are_scaled() -> None:
    images = np.zeros((1, 32, 32), np.uint8)
    images[0, 4:20, 9] = 51
    assert of(images).values.max() == np.float32(0.2)
