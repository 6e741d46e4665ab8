"""`digitlens batch` on an object store, which pyarrow opens by its address."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from batching import png, rows, tree, write_tar
from bucket import Bucket, bucket
from command import Digitlens, assert_one_line_error

KEYS = {
    "AWS_ACCESS_KEY_ID": "me",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_EC2_METADATA_DISABLED": "true",
    "NO_PROXY": "127.0.0.1",
}


@pytest.fixture
def store(digits: list[np.ndarray], tmp_path: Path) -> Iterator[Bucket]:
    """Images, a tar file and an array in a bucket, and the same in a folder."""
    folder = tmp_path / "in"
    (folder / "deep").mkdir(parents=True)
    for label, image in enumerate(digits):
        (folder / "deep" / f"{label}.png").write_bytes(png(image))
    (folder / "broken.png").write_bytes(b"broken")
    write_tar(folder / "digits.tar", [(f"{n}.png", png(image)) for n, image in enumerate(digits)])
    np.save(folder / "digits.npy", np.stack(digits))
    with bucket() as server:
        for path in folder.rglob("*.*"):
            server.objects[f"/bucket/in/{path.relative_to(folder)}"] = path.read_bytes()
        yield server


def test_rows_are_those_of_local_files(store: Bucket, tmp_path: Path, digitlens: Digitlens) -> None:
    given, output = f"s3://bucket/in?{store.query}", f"s3://bucket/out?{store.query}"
    settings = ("--shard-size", 4, "--workers", 1)
    result = digitlens("batch", given, "-o", output, *settings, env=KEYS)
    assert result.status == 1, result.err
    assert result.err.startswith("31 images: 30 read, 1 could not be, ")
    for name in [name for name in store.objects if name.startswith("/bucket/out/")]:
        path = tmp_path / name.removeprefix("/bucket/")
        path.parent.mkdir(parents=True, exist_ok=True)
        if not name.endswith("/"):
            path.write_bytes(store.objects[name])
    assert digitlens("batch", "in", "-o", "local", *settings, cwd=tmp_path).status == 1
    for what in ("readings", "errors"):
        there = [row | {"source": row["source"].removeprefix("s3://bucket/")}
                 for row in rows(tmp_path / "out", what)]  # fmt: skip
        assert there == rows(tmp_path / "local", what)
    assert set(tree(tmp_path / "out")) == set(tree(tmp_path / "local"))
    result = digitlens("batch", given, "-o", output, *settings, env=KEYS)
    assert "; 7 of 7 shards were there" in result.err


def test_patterns_and_what_is_not_there(
    store: Bucket, tmp_path: Path, digitlens: Digitlens
) -> None:
    def batch(pattern: str):
        address = f"s3://bucket/{pattern}?{store.query}"
        return digitlens("batch", address, "-o", tmp_path / "out", "--workers", 1, env=KEYS)

    assert batch("in/**/*.png").err.startswith("11 images: 10 read")
    assert_one_line_error(batch("nope"), 2, "s3://bucket/nope: no image")
    assert_one_line_error(batch("nope/*.png"), 2, "s3://bucket/nope/*.png: no image")


def test_a_store_that_does_not_answer_is_no_error_of_the_images(
    store: Bucket, tmp_path: Path, digitlens: Digitlens
) -> None:
    store.is_down = True
    address = f"s3://bucket/in?{store.query}"
    result = digitlens("batch", address, "-o", tmp_path / "out", env=KEYS)
    assert_one_line_error(result, 2, "s3://bucket/in: cannot be listed")
    assert not (tmp_path / "out").exists()
