"""What a worker makes of a shard, held to the reader and to `classify`."""

import os
import pickle
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from batching import by_source, job, manifest, png, rows, tree, write_tar
from digitlens import Reader
from digitlens.batch import storage
from digitlens.batch import worker as worker_module
from digitlens.batch.job import Job
from digitlens.batch.output import Output
from digitlens.batch.plan import shards
from digitlens.batch.results import Summary
from digitlens.batch.run import run
from digitlens.batch.worker import Worker
from digitlens.errors import DataError, UsageError


def work(request: Job) -> list[Summary]:
    """Do a whole job in this process."""
    found: list[Summary] = []

    def engine(request: Job):
        yield from map(Worker(request), shards(request))

    run(request, engine, found.append)
    return found


@pytest.fixture
def folder(tmp_path: Path, digits: list[np.ndarray], page: np.ndarray) -> Path:
    """Digits as files, a photo among them, a blank one, and some that are no images."""
    folder = tmp_path / "in"
    folder.mkdir()
    for label, image in enumerate(digits):
        (folder / f"{label}.png").write_bytes(png(255 - image if label % 2 else image))
    cv2.imwrite(str(folder / "5-page.png"), page)
    (folder / "a-blank.png").write_bytes(png(np.full((28, 28), 99, np.uint8)))
    (folder / "b-empty.png").touch()
    (folder / "c-text.jpg").write_text("hello")
    return folder


def test_rows_are_what_the_reader_says(folder: Path, tmp_path: Path) -> None:
    (summary,) = work(job(folder, output=tmp_path / "out"))
    reader = Reader()
    expected = []
    for path in sorted(folder.iterdir()):
        if path.stat().st_size > 10:
            fields = reader.read(path).to_dict()
            fields.pop("elapsed_ms")
            expected.append({"source": str(path)} | fields)
    assert rows(tmp_path / "out") == expected
    assert [row["text"] for row in expected][4:8] == ["4", "12345\n67890", "5", "6"]
    assert rows(tmp_path / "out", "errors") == [
        {"source": f"{folder}/b-empty.png", "error": "not an image: the file is empty"},
        {
            "source": f"{folder}/c-text.jpg",
            "error": "not an image: neither PNG, JPEG, BMP, WebP, GIF nor TIFF",
        },
    ]
    assert (summary.counts.readings, summary.counts.digits, summary.counts.errors) == (12, 20, 2)


def test_both_formats_hold_the_same_rows(folder: Path, tmp_path: Path) -> None:
    for form in ("parquet", "jsonl"):
        work(job(folder, output=tmp_path / form, form=form))
    for what in ("readings", "errors"):
        assert rows(tmp_path / "parquet", what) == rows(tmp_path / "jsonl", what)


def test_the_same_digits_in_all_kinds_of_files(digits: list[np.ndarray], tmp_path: Path) -> None:
    images, encoded = np.stack(digits), [png(image) for image in digits]
    folder = tmp_path / "in"
    folder.mkdir()
    np.save(folder / "a.npy", images)
    np.savez(folder / "b.npz", x=images, y=np.arange(10))
    write_tar(folder / "c.tar", [(f"{n}.png", content) for n, content in enumerate(encoded)])
    struct = [{"bytes": content, "path": None} for content in encoded]
    pq.write_table(pa.table({"label": list(range(10)), "image": struct}), folder / "d.parquet")
    plain = pa.array(encoded, pa.large_binary())
    pq.write_table(pa.table({"scan": plain, "hash": encoded}), folder / "e.parquet")
    pq.write_table(pa.table({"only": encoded}), folder / "f.parquet", row_group_size=3)
    work(job(folder, output=tmp_path / "out", shard_size=4, column=None))
    found = by_source(tmp_path / "out")
    for prefix in ("a.npy#{}", "b.npz#x/{}", "c.tar#{}.png", "d.parquet#{}", "f.parquet#{}"):
        for label in range(10):
            assert found[f"{folder}/{prefix.format(label)}"] == str(label)
    assert len(found) == 50
    (error,) = rows(tmp_path / "out", "errors")
    assert error["source"] == f"{folder}/e.parquet"
    assert "scan, hash" in error["error"]
    assert "--column" in error["error"]
    work(job(folder / "e.parquet", output=tmp_path / "scan", column="scan"))
    assert len(rows(tmp_path / "scan")) == 10


def test_a_row_without_bytes_is_an_error_among_the_others(
    digits: list[np.ndarray], tmp_path: Path
) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"image": [png(digits[3]), None, png(digits[4])]}), path)
    work(job(path, output=tmp_path / "out"))
    assert by_source(tmp_path / "out") == {f"{path}#0": "3", f"{path}#2": "4"}
    wrong = {"source": f"{path}#1", "error": "not an image: the row has no bytes"}
    assert rows(tmp_path / "out", "errors") == [wrong]


def test_what_is_whole_in_a_damaged_parquet_file_is_read(
    digits: list[np.ndarray], tmp_path: Path
) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"image": [png(each) for each in digits]}), path, row_group_size=5,
                   compression="none", use_dictionary=False)  # fmt: skip
    content = bytearray(path.read_bytes())
    second = pq.ParquetFile(path).metadata.row_group(1).column(0).data_page_offset
    content[second : second + 20] = b"\xff" * 20
    path.write_bytes(content)
    work(job(path, output=tmp_path / "out"))
    assert [row["text"] for row in rows(tmp_path / "out")] == list("01234")
    (error,) = rows(tmp_path / "out", "errors")
    assert error["source"] == str(path)


def test_other_versions_do_not_go_on(folder: Path, tmp_path: Path) -> None:
    request = job(folder, output=tmp_path / "out")
    work(request)
    older = job(folder, output=tmp_path / "out", versions=request.versions | {"numpy": "1.0"})
    with pytest.raises(UsageError, match=r"versions\.numpy was .*, is 1\.0"):
        work(older)


def test_glyphs_outside_their_range_are_errors_among_the_others(tmp_path: Path) -> None:
    glyphs = np.zeros((5, 32, 32), np.float32)
    glyphs[1], glyphs[3] = np.nan, 255
    np.save(tmp_path / "a.npy", glyphs)
    work(job(tmp_path / "a.npy", output=tmp_path / "out", batch_size=2))
    names = [Path(row["source"]).name for row in rows(tmp_path / "out")]
    assert names == ["a.npy#0", "a.npy#2", "a.npy#4"]
    wrong = rows(tmp_path / "out", "errors")
    assert [Path(row["source"]).name for row in wrong] == ["a.npy#1", "a.npy#3"]
    assert all("outside 0 to 1" in row["error"] for row in wrong)


def test_what_comes_before_damage_is_kept(digits: list[np.ndarray], tmp_path: Path) -> None:
    path = write_tar(tmp_path / "a.tar", [(f"{n}.png", png(i)) for n, i in enumerate(digits)])
    path.write_bytes(path.read_bytes()[: 6 * 1024 + 100])
    work(job(path, output=tmp_path / "out"))
    assert [row["text"] for row in rows(tmp_path / "out")] == list("012345")
    (error,) = rows(tmp_path / "out", "errors")
    assert error["source"] == str(path)


def test_an_input_without_images_gives_empty_files_that_can_be_read(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((0, 28, 28), np.uint8))
    work(job(tmp_path / "a.npy", output=tmp_path / "out"))
    assert rows(tmp_path / "out") == rows(tmp_path / "out", "errors") == []
    assert manifest(tmp_path / "out")["counts"]["images"] == 0


def test_what_is_complete_is_not_done_again(folder: Path, tmp_path: Path) -> None:
    request = job(folder, output=tmp_path / "out", shard_size=3)
    assert all(summary.is_new for summary in work(request))
    first = tree(tmp_path / "out")
    assert not any(summary.is_new for summary in work(request))
    assert tree(tmp_path / "out") == first

    def done_again(*paths: str) -> list[int]:
        for path in paths:
            (tmp_path / "out" / path).unlink()
        again = [summary.number for summary in work(request) if summary.is_new]
        assert tree(tmp_path / "out") == first
        return again

    assert done_again("readings/shard-000001.parquet") == [1]
    assert done_again("errors/shard-000002.parquet", "receipts/shard-000000.json") == [0, 2]
    (tmp_path / "out" / "readings" / "shard-000003.parquet").write_bytes(b"cut")
    (tmp_path / "out" / "receipts" / "shard-000002.json").write_bytes(b"{")
    (tmp_path / "out" / "readings" / f".{'0' * 16}").write_bytes(b"unfinished")
    (tmp_path / "out" / f".{'1' * 16}").write_bytes(b"unfinished")
    assert done_again() == [2, 3]


def test_an_input_that_changed_is_read_again_and_one_that_shrank_leaves_nothing(
    folder: Path, tmp_path: Path
) -> None:
    request = job(folder, output=tmp_path / "out", shard_size=3)
    work(request)
    (folder / "5.png").write_bytes((folder / "4.png").read_bytes())
    assert [summary.number for summary in work(request) if summary.is_new] == [2]
    assert by_source(tmp_path / "out")[f"{folder}/5.png"] == "4"
    for path in list(folder.iterdir())[:10]:
        path.unlink()
    work(request)
    assert len(list((tmp_path / "out" / "readings").iterdir())) == 2
    found = rows(tmp_path / "out") + rows(tmp_path / "out", "errors")
    assert sorted(row["source"] for row in found) == sorted(map(str, folder.iterdir()))


def test_what_the_system_could_not_read_is_tried_again(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = job(folder, output=tmp_path / "out")
    open_file = storage.open_file

    def refuse(place: str, path: str):
        if path.endswith("3.png"):
            raise PermissionError(13, "Permission denied", path)
        return open_file(place, path)

    with monkeypatch.context() as patch:
        patch.setattr(storage, "open_file", refuse)
        work(request)
    (error, *_) = rows(tmp_path / "out", "errors")
    assert error["error"] == "cannot be read (Permission denied)"
    (summary,) = work(request)
    assert summary.is_new
    assert by_source(tmp_path / "out")[f"{folder}/3.png"] == "3"
    assert not work(request)[0].is_new


def test_the_same_name_in_another_place_is_another_request(
    digits: list[np.ndarray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for label in (1, 2):
        (tmp_path / str(label)).mkdir()
        np.save(tmp_path / str(label) / "a.npy", digits[label][np.newaxis])
    monkeypatch.chdir(tmp_path / "1")
    work(job("a.npy", output=tmp_path / "out"))
    monkeypatch.chdir(tmp_path / "2")
    with pytest.raises(UsageError, match=r"places was \['.*/1/a.npy'\], is \['.*/2/a.npy'\]"):
        work(job("a.npy", output=tmp_path / "out"))
    assert by_source(tmp_path / "out") == {"a.npy#0": "1"}


def test_shards_that_are_not_each_done_once_are_no_success(folder: Path, tmp_path: Path) -> None:
    def engine(request: Job):
        for shard in list(shards(request)) * 2:
            yield Worker(request)(shard)

    with pytest.raises(DataError, match="not each once"):
        run(job(folder, output=tmp_path / "out", shard_size=3), engine, lambda _: None)
    assert manifest(tmp_path / "out")["complete"] is False


def test_images_in_all_columns_that_hold_bytes(digits: list[np.ndarray], tmp_path: Path) -> None:
    encoded = [png(image) for image in digits]
    columns = {
        "dictionary": pa.array(encoded).dictionary_encode(),
        "large": pa.array(encoded, pa.large_binary()),
        "view": pa.array(encoded, pa.binary_view()),
        "struct": pa.array([{"bytes": content} for content in encoded]),
    }
    for name, column in columns.items():
        pq.write_table(pa.table({"label": list(range(10)), name: column}), tmp_path / "a.parquet")
        work(job(tmp_path / "a.parquet", output=tmp_path / name))
        assert [row["text"] for row in rows(tmp_path / name)] == list("0123456789")
    nested = pa.array([{"bytes": {"bytes": b"x"}}])
    pq.write_table(pa.table({"image": nested, "text": ["x"]}), tmp_path / "a.parquet")
    work(job(tmp_path / "a.parquet", output=tmp_path / "nested"))
    assert "columns of bytes: none" in rows(tmp_path / "nested", "errors")[0]["error"]


def test_large_rows_are_taken_few_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pq.write_table(
        pa.table({"image": [os.urandom(4 << 20) for _ in range(24)]}), tmp_path / "a.parquet"
    )
    counts = []
    iter_batches = pq.ParquetFile.iter_batches
    monkeypatch.setattr(
        pq.ParquetFile,
        "iter_batches",
        lambda self, count, **rest: counts.append(count) or iter_batches(self, count, **rest),
    )
    work(job(tmp_path / "a.parquet", output=tmp_path / "out"))
    assert counts == [7]
    assert len(rows(tmp_path / "out", "errors")) == 24


def test_a_request_goes_on_only_where_the_same_was_begun(folder: Path, tmp_path: Path) -> None:
    request = job(folder, output=tmp_path / "out")
    Output(request).begin()
    assert manifest(tmp_path / "out")["complete"] is False
    for change, name in (
        ({"min_confidence": 0.9}, "settings.min_confidence was 0.8, is 0.9"),
        ({"form": "jsonl"}, "settings.format"),
        ({"inputs": request.inputs * 2}, "inputs"),
        ({"model": b"other"}, "model.sha256"),
    ):
        with pytest.raises(UsageError, match=name):
            Output(replace(request, **change)).begin()
    with pytest.raises(UsageError, match="holds other files"):
        Output(job(folder, output=folder)).begin()
    with pytest.raises(UsageError, match="is no folder"):
        Output(job(folder, output=folder / "5.png")).begin()


def test_a_job_with_other_versions_is_refused(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = job(folder, output=tmp_path / "out")
    there = request.versions | {"onnxruntime": "0.1"}
    monkeypatch.setattr(worker_module, "installed_versions", lambda: there)
    with pytest.raises(UsageError, match=r"has onnxruntime 0\.1, the job was made with"):
        Worker(request)


def test_the_manifest_says_what_was_done_and_with_what(folder: Path, tmp_path: Path) -> None:
    request = job(folder, output=tmp_path / "out")
    work(request)
    found = manifest(tmp_path / "out")
    assert found["complete"] is True
    assert found["counts"] == {
        "shards": 1, "images": 14, "readings": 12, "digits": 20, "errors": 2,
    }  # fmt: skip
    assert found["inputs"] == [str(folder)]
    assert set(found["versions"]) == {
        "digitlens", "numpy", "onnxruntime", "opencv-python", "pyarrow",
    }  # fmt: skip
    assert pickle.loads(pickle.dumps(request)).description == request.description


def test_addresses_are_written_without_their_keys(folder: Path, tmp_path: Path) -> None:
    request = job(f"file://{folder}", output=f"file://{tmp_path}/out")
    work(request)
    assert rows(tmp_path / "out")[0]["source"] == f"file://{folder}/0.png"
    secret = job("s3://key:secret@bucket/scans/*.tar?region=eu&secret_key=x")
    assert secret.description["inputs"] == ["s3://bucket/scans/*.tar"]
