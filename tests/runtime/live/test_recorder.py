from pathlib import Path

import cv2
import numpy as np
import pytest

from digitlens.errors import UsageError
from digitlens.live.recorder import Recorder, check

BLACK, GRAY, WHITE = 0, 128, 255
Color = tuple[int, int, int]


def picture(color: int | Color, width: int = 64, height: int = 48) -> np.ndarray:
    return np.full((height, width, 3), color, np.uint8)


def recorded(path: Path) -> list[np.ndarray]:
    """Give the frames of a video, and check that it says how many there are."""
    video = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    said, frames = int(video.get(cv2.CAP_PROP_FRAME_COUNT)), []
    while (answer := video.read())[0]:
        frames.append(answer[1])
    video.release()
    assert len(frames) == said
    return frames


def grays(path: Path) -> list[int]:
    """Give the nearest of black, grey and white for each frame of a video."""
    means = [frame.mean() for frame in recorded(path)]
    return [min((BLACK, GRAY, WHITE), key=lambda gray: abs(gray - mean)) for mean in means]


@pytest.mark.parametrize("rate", [10.0, 29.97, 30.0, 60.0])
def test_as_many_frames_are_in_the_file_as_were_written(tmp_path: Path, rate: float) -> None:
    path = tmp_path / "film.mp4"
    recorder = Recorder(path, rate)
    for number in range(25):
        recorder.write(picture(10 * number), 3 + number / rate)
    recorder.close()
    frames = recorded(path)
    assert len(frames) == recorder.written == 25
    means = [frame.mean() for frame in frames]
    assert means == pytest.approx(10 * np.arange(25), abs=8)
    video = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    assert video.get(cv2.CAP_PROP_FPS) == pytest.approx(rate, rel=1e-3)
    video.release()


def test_a_picture_stays_until_the_next_one_comes(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    recorder = Recorder(path, 10)
    for color, time in ((BLACK, 5.0), (WHITE, 5.5), (BLACK, 5.6)):
        recorder.write(picture(color), time)
    recorder.close()
    assert grays(path) == [BLACK] * 5 + [WHITE, BLACK]


def test_a_gap_of_more_than_a_second_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    recorder = Recorder(path, 10)
    for number, time in enumerate((0.0, 0.1, 60.0, 60.1, 60.2, 61.2)):
        recorder.write(picture(WHITE * (number % 2)), time)
    recorder.close()
    found = grays(path)
    assert found[:4] == [BLACK, WHITE, BLACK, WHITE]
    assert len(found) == recorder.written == 5 + 10  # the last gap is just short enough


def test_pictures_that_come_too_early_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    recorder = Recorder(path, 10)
    for number in range(101):
        recorder.write(picture(GRAY), number / 100)
    recorder.close()
    assert len(recorded(path)) == recorder.written == 11


def test_uneven_times_make_no_film_longer_or_shorter(tmp_path: Path) -> None:
    path, random = tmp_path / "film.mp4", np.random.default_rng(0)
    recorder = Recorder(path, 30)
    times = np.cumsum(random.uniform(0, 0.08, 100))
    for time in times:
        recorder.write(picture(GRAY), float(time))
    recorder.close()
    assert len(recorded(path)) == pytest.approx((times[-1] - times[0]) * 30 + 1, abs=1)


@pytest.mark.parametrize("rate", [0.5, 1.0])
def test_slow_films_are_recorded_too(tmp_path: Path, rate: float) -> None:
    path = tmp_path / "film.mp4"
    recorder = Recorder(path, rate)
    for number in range(4):
        recorder.write(picture(WHITE * (number % 2)), number / rate)
    recorder.close()
    assert grays(path) == [BLACK, WHITE, BLACK, WHITE]


@pytest.mark.parametrize("size", [(63, 47), (64, 47), (63, 48), (1, 1)])
def test_odd_sizes_become_even(tmp_path: Path, size: tuple[int, int]) -> None:
    path = tmp_path / "film.mp4"
    recorder = Recorder(path, 10)
    recorder.write(picture(BLACK, *size), 0)
    recorder.close()
    frame = recorded(path)[0]
    width, height = size
    assert frame.shape == (height + height % 2, width + width % 2, 3)
    assert frame[0, 0].max() < 60


@pytest.mark.parametrize("size", [(128, 96), (32, 24), (200, 20), (20, 200), (65, 49)])
def test_a_picture_of_another_size_is_fitted_into_the_film(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    path = tmp_path / "film.mp4"
    recorder = Recorder(path, 10)
    recorder.write(picture(GRAY), 0)
    recorder.write(picture(BLACK, *size), 0.1)
    recorder.close()
    frames = recorded(path)
    assert [frame.shape for frame in frames] == [(48, 64, 3)] * 2
    width, height = size
    scale = min(64 / width, 48 / height, 1)
    dark = (frames[1].max(2) < 100).sum()
    assert dark == pytest.approx(round(width * scale) * round(height * scale), rel=0.25)


def test_there_is_no_file_before_the_recording_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    recorder = Recorder(path, 10)
    recorder.write(picture(GRAY), 0)
    assert not path.exists()
    recorder.close()
    assert list(tmp_path.iterdir()) == [path]
    assert grays(path) == [GRAY]


def test_the_old_file_stays_until_the_recording_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_text("old")
    recorder = Recorder(path, 10)
    recorder.write(picture(GRAY), 0)
    assert path.read_text() == "old"
    recorder.close()
    assert grays(path) == [GRAY]
    assert list(tmp_path.iterdir()) == [path]


def test_without_a_picture_there_is_no_file(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    Recorder(path, 10).close()
    assert list(tmp_path.iterdir()) == []
    path.write_text("old")
    Recorder(path, 10).close()
    assert path.read_text() == "old"


def test_what_cannot_be_recorded_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_text("old")
    recorder = Recorder(path, 10)
    with pytest.raises(UsageError, match="cannot record into") as error:
        recorder.write(picture(GRAY, 8194, 2), 0)  # more than the codec can
    assert "\n" not in str(error.value)
    recorder.close()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_recording_that_is_not_whole_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_text("old")
    recorder = Recorder(path, 10)
    recorder.write(picture(GRAY), 0)
    next(each for each in tmp_path.iterdir() if each != path).unlink()
    with pytest.raises(UsageError, match=r"cannot write .*film\.mp4: 0 of 1 frames"):
        recorder.close()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["film.avi", "film", "film.mp4.txt", ".mp4"])
def test_a_name_that_does_not_end_in_mp4_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"give a name that ends in \.mp4") as error:
        check(tmp_path / name)
    assert name in str(error.value)
    with pytest.raises(UsageError):
        Recorder(tmp_path / name, 10)


def test_a_place_that_cannot_be_written_is_refused_and_nothing_is_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder.mp4").mkdir()
    for place in ("file/film.mp4", "folder.mp4"):
        with pytest.raises(UsageError, match=f"cannot write .*{place}"):
            Recorder(tmp_path / place, 10)
    check(tmp_path / "new" / "FILM.MP4")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder.mp4"]


def test_a_folder_that_is_not_there_yet_is_made(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "film.mp4"
    recorder = Recorder(path, 10)
    recorder.write(picture(GRAY), 0)
    recorder.close()
    assert grays(path) == [GRAY]


@pytest.mark.parametrize("color", [(200, 60, 40), (40, 180, 60), (30, 40, 210), (230, 230, 230)])
def test_colours_come_back_roughly(tmp_path: Path, color: Color) -> None:
    path = tmp_path / "film.mp4"
    recorder = Recorder(path, 10)
    recorder.write(picture(color), 0)
    recorder.close()
    assert recorded(path)[0].mean((0, 1)) == pytest.approx(color, abs=15)


@pytest.mark.parametrize("rate", [123.4567, 239.713, 959.04, 29.97, 23.976, 0.001])
def test_any_rate_can_be_recorded(rate: float, tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "film.mp4", rate)
    for number in range(3):
        recorder.write(picture(GRAY), number / recorder.rate)
    recorder.close()
    assert len(recorded(tmp_path / "film.mp4")) == 3
    assert recorder.rate == pytest.approx(rate, rel=1e-3, abs=0.01)
