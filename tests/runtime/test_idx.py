import gzip
import hashlib
from pathlib import Path

import numpy as np
import pytest

from digitlens import idx
from digitlens.errors import DataError

CONTENT = bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6])


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def test_it_reads_plain_and_gzipped_files(tmp_path: Path) -> None:
    plain, packed = tmp_path / "a", tmp_path / "a.gz"
    plain.write_bytes(CONTENT)
    packed.write_bytes(gzip.compress(CONTENT))
    for path in (plain, packed):
        array = idx.read(path, md5(path.read_bytes()))
        assert np.array_equal(array, [[1, 2, 3], [4, 5, 6]])


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a", CONTENT[:-2], "truncated"),
        ("a", CONTENT[:7], "truncated"),
        ("a", b"\x89PNG", "no IDX file"),
        ("a", b"", "no IDX file"),
        ("a", CONTENT.replace(b"\x08", b"\x0d", 1), "no IDX file"),
        ("a.gz", gzip.compress(CONTENT, mtime=0)[:-9], "cannot be read"),
        ("a.gz", CONTENT, "cannot be read"),
    ],
)
def test_damaged_files_are_named_with_the_reason(
    tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError, match=reason) as error:
        idx.read(path, md5(content))
    assert str(path) in str(error.value)


def test_a_whole_file_with_another_sum_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(CONTENT)
    with pytest.raises(DataError, match=f"has MD5 {md5(CONTENT)}, MNIST's is 0123"):
        idx.read(path, "0123")
