"""Arrays of images of one digit, in the three formats that hold them."""

import gzip
import struct
import warnings
import zipfile
import zlib
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from digitlens.batch import arrays
from digitlens.batch.contents import Stack
from digitlens.batch.inputs import File, Input, files
from digitlens.errors import DataError

IMAGES = np.random.default_rng(0).integers(0, 256, (5000, 28, 28), np.uint8)


def file_at(path: Path) -> File:
    (file,) = files((Input.of(str(path)),), "/nowhere")
    return file


def idx(images: np.ndarray) -> bytes:
    return struct.pack(">4B3I", 0, 0, 8, 3, *images.shape) + images.tobytes()


def joined(stacks: list[Stack]) -> np.ndarray:
    """All images, after a look at how they are numbered."""
    count = 0
    for stack in stacks:
        assert stack.first == count
        count += len(stack.images)
    assert all(len(stack.images) <= arrays.ROWS for stack in stacks)
    return np.concatenate([stack.images for stack in stacks])


@pytest.fixture(params=["a.npy", "a-images-idx3-ubyte", "a-idx3-ubyte.gz"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The images in a file of each format."""
    path = tmp_path / request.param
    if path.suffix == ".npy":
        np.save(path, IMAGES)
    else:
        path.write_bytes(gzip.compress(idx(IMAGES)) if path.suffix == ".gz" else idx(IMAGES))
    return path


def test_all_images_come_in_order(path: Path) -> None:
    assert np.array_equal(joined(list(arrays.stacks(file_at(path), 0, None))), IMAGES)


def test_a_file_is_cut_into_shards_unless_it_is_compressed(path: Path) -> None:
    cuts = arrays.cuts(file_at(path), 2000)
    if path.suffix == ".gz":
        assert cuts == []
        return
    assert cuts == [(0, 2000), (2000, 4000), (4000, 5000)]
    for start, stop in cuts:
        stacks = list(arrays.stacks(file_at(path), start, stop))
        assert stacks[0].first == start
        assert stacks[0].source == f"{path}#"
        assert np.array_equal(np.concatenate([s.images for s in stacks]), IMAGES[start:stop])


def test_a_file_that_ends_early_gives_what_is_whole_and_says_so(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    cuts = arrays.cuts(file_at(path), 2000)
    assert cuts in ([], [(0, 2000), (2000, 5000)])
    found = []
    shards = (arrays.stacks(file_at(path), *bounds) for bounds in cuts or [(0, None)])
    with pytest.raises(DataError, match=r"damaged or truncated \("):
        found.extend(chain.from_iterable(shards))
    if path.suffix == ".gz":
        whole = (len(zlib.decompressobj(31).decompress(path.read_bytes())) - 16) // 28**2
        assert 2048 < len(joined(found)) == whole
    else:
        assert len(joined(found)) in (2499, 2500)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros(7, np.uint8), r"no images of one digit: uint8 \[7\]; give uint8 \[n, 28, 28\]"),
        (np.zeros((7, 28, 29), np.uint8), r"uint8 \[7, 28, 29\]"),
        (np.zeros((7, 28, 28)), r"float64 \[7, 28, 28\]"),
        (np.zeros((7, 3, 32, 32), np.float32), r"\[7, 3, 32, 32\]"),
        (np.zeros((7, 32, 32), np.int32), "int32"),
        (np.zeros((7, 32, 32), np.complex64), "complex64"),
        (np.array([{}] * 3), "object"),
        (np.asfortranarray(IMAGES[:3]), r"Fortran.*ascontiguousarray"),
    ],
)
def test_other_arrays_are_refused_with_what_would_do(
    tmp_path: Path, array: np.ndarray, message: str
) -> None:
    np.save(tmp_path / "a.npy", array)
    np.savez(tmp_path / "a.npz", array)
    for look in (lambda file: arrays.cuts(file, 10), lambda file: list(arrays.stacks(file, 0, 1))):
        with pytest.raises(DataError, match=message):
            look(file_at(tmp_path / "a.npy"))
    if array.ndim >= 3:
        with pytest.raises(DataError, match=message):
            list(arrays.stacks_of_archive(file_at(tmp_path / "a.npz")))


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.npy", b"", "."),
        ("a.npy", b"\x93NUMPY\x01\x00\x10\x00{'descr': '|u1'", "."),
        ("a.npy", b"\x93NUMPY\x09\x00" + bytes(100), "."),
        ("a.npy", b"\x93NUMPY\x02\x00\xff\xff\xff\x7f" + bytes(100), "2,147,483,647 bytes"),
        ("a.npy", b"\x93NUMPY\x01\x00\x10\x27" + b"-" * 10_000, "."),
        ("a.npy", b"\x93NUMPY\x01\x00\x12\x00{'descr': {}: 1}   \n", "."),
        ("a-idx3-ubyte", b"\0\0\x08", "no IDX file of bytes .it starts with 00 00 08"),
        ("a-idx3-ubyte", b"\0\0\x08\x03\0\0", "."),
        ("a-idx3-ubyte", b"\0\0\x0d\x03" + bytes(100), "it starts with 00 00 0d 03"),
        ("a-idx3-ubyte.gz", b"\x1f\x8b" + bytes(100), "."),
        ("a-idx3-ubyte.gz", b"no gzip", "."),
    ],
)
def test_damaged_heads(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=words):
        list(arrays.stacks(file_at(tmp_path / name), 0, None))


def test_a_head_that_promises_more_than_memory_holds_is_not_believed(tmp_path: Path) -> None:
    (tmp_path / "a.idx3").write_bytes(struct.pack(">4B3I", 0, 0, 8, 3, 2**32 - 1, 28, 28) + b"x")
    assert arrays.cuts(file_at(tmp_path / "a.idx3"), 10) == [(0, 2**32 - 1)]
    with pytest.raises(DataError, match="ends before image 0"):
        list(arrays.stacks(file_at(tmp_path / "a.idx3"), 0, 2**32 - 1))


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_the_arrays_of_an_archive_by_name_without_labels(tmp_path: Path, save: Any) -> None:
    save(tmp_path / "a.npz", x_train=IMAGES, x_test=IMAGES[:9], y_test=np.zeros(9))
    stacks = list(arrays.stacks_of_archive(file_at(tmp_path / "a.npz")))
    assert stacks[0].source == f"{tmp_path}/a.npz#x_test/"
    assert np.array_equal(stacks[0].images, IMAGES[:9])
    assert np.array_equal(joined(stacks[1:]), IMAGES)


def test_archives_that_are_none_or_hold_none(tmp_path: Path) -> None:
    np.savez(tmp_path / "labels.npz", y=np.zeros(9))
    (tmp_path / "no.npz").write_bytes(b"PK")
    np.savez(tmp_path / "cut.npz", IMAGES)
    content = (tmp_path / "cut.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(content[:-100])
    wrong = bytearray(content)
    wrong[100_000] ^= 1
    (tmp_path / "wrong.npz").write_bytes(wrong)
    with zipfile.ZipFile(tmp_path / "text.npz", "w") as archive:
        archive.writestr("readme.txt", "hello")
    for path in tmp_path.iterdir():
        with pytest.raises(DataError):
            list(arrays.stacks_of_archive(file_at(path)))


def test_members_of_an_archive_that_are_no_arrays_or_have_the_same_name(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the name is there already
        archive.writestr("README.txt", "hello")
        for images in (IMAGES[:3], IMAGES[3:5]):
            with archive.open("x.npy", "w") as stream:
                np.lib.format.write_array(stream, images)
    stacks = list(arrays.stacks_of_archive(file_at(path)))
    assert [len(stack.images) for stack in stacks] == [3, 2]
    assert np.array_equal(np.concatenate([stack.images for stack in stacks]), IMAGES[:5])


def test_a_shape_below_zero_is_refused(tmp_path: Path) -> None:
    header = b"{'descr': '|u1', 'fortran_order': False, 'shape': (-3, 28, 28)}\n"
    start = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little")
    (tmp_path / "a.npy").write_bytes(start + header)
    with pytest.raises(DataError, match=r"\[-3, 28, 28\]"):
        arrays.cuts(file_at(tmp_path / "a.npy"), 10)


def test_axes_of_channels_are_left_out(tmp_path: Path) -> None:
    for number, shape in enumerate([(5000, 1, 28, 28), (5000, 28, 28, 1)]):
        np.save(tmp_path / f"{number}.npy", IMAGES.reshape(shape))
        found = joined(list(arrays.stacks(file_at(tmp_path / f"{number}.npy"), 0, None)))
        assert np.array_equal(found, IMAGES)
