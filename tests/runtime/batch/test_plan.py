"""How the input falls into shards, and what makes two of them the same."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from batching import job, png, write_tar
from digitlens.batch.plan import SHARD_BYTES, Shard, shards

IMAGE = np.zeros((28, 28), np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Images around files that hold many."""
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("a.png", "b.png", "d.png", "z.png"):
        (folder / name).write_bytes(png(IMAGE))
    np.save(folder / "c.npy", np.zeros((25, 28, 28), np.uint8))
    write_tar(folder / "e.tar", [("1.png", png(IMAGE))] * 25)
    pq.write_table(pa.table({"image": [png(IMAGE)] * 25}), folder / "f.parquet", row_group_size=4)
    (folder / "g.parquet").write_bytes(b"damaged")
    return folder


def outline(found: list[Shard]) -> list[tuple[str, list[str], int, int | None]]:
    return [(s.kind, [Path(f.path).name for f in s.files], s.start, s.stop) for s in found]


def test_images_are_gathered_and_large_files_cut(folder: Path) -> None:
    found = list(shards(job(folder, shard_size=10)))
    assert outline(found) == [
        ("npy", ["c.npy"], 0, 10),
        ("npy", ["c.npy"], 10, 20),
        ("npy", ["c.npy"], 20, 25),
        ("tar", ["e.tar"], 0, None),
        ("parquet", ["f.parquet"], 0, 3),
        ("parquet", ["f.parquet"], 3, 6),
        ("parquet", ["f.parquet"], 6, 7),
        ("parquet", ["g.parquet"], 0, None),
        ("image", ["a.png", "b.png", "d.png", "z.png"], 0, None),
    ]
    assert [shard.number for shard in found] == list(range(9))
    assert found[3].name == "shard-000003"
    size = sum(path.stat().st_size for path in folder.iterdir())
    assert abs(sum(shard.size for shard in found) - size) < len(found)


def test_images_fill_shards_across_inputs(folder: Path) -> None:
    found = shards(job(folder / "a.png", folder / "*.png", shard_size=3))
    names = [names for _, names, _, _ in outline(list(found))]
    assert names == [["a.png", "a.png", "b.png"], ["d.png", "z.png"]]


def test_large_images_fill_shards_sooner(tmp_path: Path) -> None:
    for number in range(5):
        with (tmp_path / f"{number}.png").open("wb") as file:
            os.truncate(file.fileno(), SHARD_BYTES // 2)
    found = list(shards(job(tmp_path)))
    assert [len(shard.files) for shard in found] == [2, 2, 1]


def test_large_rows_fill_shards_sooner(tmp_path: Path) -> None:
    rows = pa.table({"image": [os.urandom(3 << 20) for _ in range(5)]})
    pq.write_table(rows, tmp_path / "a.parquet", row_group_size=1)
    found = list(shards(job(tmp_path)))
    assert [(shard.start, shard.stop) for shard in found] == [(0, 3), (3, 5)]


def test_the_first_shards_come_before_the_walk_is_over(folder: Path) -> None:
    found = shards(job(folder / "c.npy", folder / "a.png", folder / "gone", shard_size=10))
    assert next(found).start == 0


def test_a_fingerprint_changes_with_the_file_and_with_all_that_decides(folder: Path) -> None:
    request = job(folder / "a.png", folder / "c.npy")

    def prints(request=request) -> list[str]:
        return [shard.fingerprint(request) for shard in shards(request)]

    first = prints()
    assert len(set(first)) == 2
    assert prints() == first
    assert prints(replace(request, output="elsewhere")) == first
    for change in (
        {"min_confidence": 0.9},
        {"batch_size": 65},
        {"shard_size": 9},
        {"form": "jsonl"},
        {"column": "x"},
        {"provider": "cuda"},
        {"model": request.model + b" "},
    ):
        assert not set(prints(replace(request, **change))) & set(first)
    os.utime(folder / "a.png", ns=(1, 1))
    assert prints()[0] == first[0]
    assert prints()[1] != first[1]
