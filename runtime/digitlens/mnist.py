"""The four files of MNIST: where they are, and whether they are what they should be."""

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digitlens import folders, idx
from digitlens.errors import NotFoundError

ENVIRONMENT = "DIGITLENS_DATA"
"""The environment variable that names the folder with the files."""

TRAIN, VALID = "train", "t10k"
"""How the files of the 60,000 training and the 10,000 validation images begin."""

VALID_IMAGES = 10_000

# The MD5 sums that torchvision publishes with its list of mirrors are those of the .gz files.
MD5 = {
    "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
    "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
    "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}


def named_folder(folder: Path | None = None) -> Path | None:
    """Give `folder`, else what the environment names, else None."""
    return folder or (Path(named) if (named := os.environ.get(ENVIRONMENT)) else None)


def has_files(folder: Path) -> bool:
    """Tell whether `folder` holds the four files."""
    try:
        for split in (TRAIN, VALID):
            _find(folder, f"{split}-images"), _find(folder, f"{split}-labels")
    except NotFoundError:
        return False
    return True


def read(folder: Path, split: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Read the images, uint8 `[n, 28, 28]` with ink 255 on 0, and labels of a split.

    Args:
        folder: holds the files, gzipped or not, or has them in its `MNIST/raw`.
        split: `TRAIN` or `VALID`.

    Raises:
        NotFoundError: one of them is not there.
        DataError: one of them is damaged.
    """
    paths = [_find(folder, f"{split}-{what}") for what in ("images", "labels")]
    images, labels = (idx.read(path, MD5[path.name]) for path in paths)
    return images, labels


def validation(
    folder: Path | None = None,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]] | None:
    """Read the 10,000 validation images and labels, as `read` does.

    Looks into `folder`, else into what the environment names, else into the user's cache, where
    `digitlens train` puts them; gives None where they are not in the last.
    """
    named = named_folder(folder)
    if named is None and not has_files(folders.cache()):
        return None
    return read(named or folders.cache(), VALID)


def _find(folder: Path, part: str) -> Path:
    for name in MD5:
        for place in (folder / name, folder / "MNIST" / "raw" / name):
            if name.startswith(part) and place.is_file():
                return place
    raise NotFoundError(f"no {part}-idx file in {folder}: it must hold {', '.join(list(MD5)[:4])}")
