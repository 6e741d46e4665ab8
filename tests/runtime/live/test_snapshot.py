import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from digitlens import LiveReading, Reader, watch
from digitlens.canvas import WIDTH
from digitlens.errors import UsageError
from digitlens.live.snapshot import free_name, save


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader()


@pytest.fixture(scope="module")
def reading() -> LiveReading:
    with watch("test:3", width=320, height=240, fast=True, steady=False) as readings:
        return next(iter(readings))


def test_frame_reading_and_maps_are_three_files_of_one_name(
    reader: Reader, reading: LiveReading, tmp_path: Path
) -> None:
    frame = save(reading, 1, reader, tmp_path)
    assert frame.parent == tmp_path
    assert frame.suffix == ".png"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"{frame.stem}-maps.png",
        f"{frame.stem}.json",
        f"{frame.stem}.png",
    ]
    assert np.array_equal(cv2.imread(str(frame)), reading.image)
    assert json.loads(frame.with_suffix(".json").read_text()) == reading.to_dict()
    maps = cv2.imread(str(tmp_path / f"{frame.stem}-maps.png"))
    assert maps is not None
    assert maps.shape[1] == WIDTH


def test_maps_are_those_of_the_chosen_digit(
    reader: Reader, reading: LiveReading, tmp_path: Path
) -> None:
    pictures = [
        cv2.imread(str(frame.with_name(f"{frame.stem}-maps.png")))
        for frame in (save(reading, chosen, reader, tmp_path) for chosen in (0, 1, 1))
    ]
    assert not np.array_equal(pictures[0], pictures[1])
    assert np.array_equal(pictures[1], pictures[2])


def test_without_a_digit_there_are_no_maps(
    reader: Reader, reading: LiveReading, tmp_path: Path
) -> None:
    frame = save(reading, None, reader, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {f"{frame.stem}.json", frame.name}


def test_one_snapshot_does_not_overwrite_another(
    reader: Reader, reading: LiveReading, tmp_path: Path
) -> None:
    frames = [save(reading, None, reader, tmp_path) for _ in range(3)]
    assert len(set(frames)) == 3
    assert len(list(tmp_path.iterdir())) == 6


def test_free_names_have_the_time_and_are_free(tmp_path: Path) -> None:
    for _ in range(4):
        path = free_name(tmp_path, ".mp4")
        assert not path.exists()
        assert path.parent == tmp_path
        assert path.suffix == ".mp4"
        path.touch()
    names = sorted(path.stem for path in tmp_path.iterdir())
    assert len(names) == 4
    for name in names:
        assert name.split("-")[0] == "digitlens"
        assert [len(part) for part in name.split("-")[1:3]] == [8, 6]


def test_a_folder_that_is_not_there_is_made_and_a_file_refused(
    reader: Reader, reading: LiveReading, tmp_path: Path
) -> None:
    assert save(reading, None, reader, tmp_path / "new" / "folder").exists()
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="file"):
        save(reading, None, reader, tmp_path / "file")
