"""Images in files and in tar files, whole and damaged."""

import gzip
import os
import tarfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest

from batching import write_tar
from digitlens.batch import images
from digitlens.batch.contents import HELD_BYTES, HELD_IMAGES, Image, gathered
from digitlens.batch.inputs import File, Input, files
from digitlens.errors import DataError, DigitlensError, ImageError

MEMBERS = [("1.png", b"one"), ("1.cls", b"7"), ("deep/2.JPG", b"two" * 1000), ("3.png", b"")]
FOUND = [("1.png", b"one"), ("deep/2.JPG", b"two" * 1000), ("3.png", b"")]


def file_at(path: Path) -> File:
    (file,) = files((Input.of(str(path)),), "/nowhere")
    return file


def members_of(path: Path) -> list[tuple[str, bytes | DigitlensError]]:
    return [(image.source.removeprefix(f"{path}#"), image.content)
            for image in images.of_tar(file_at(path))]  # fmt: skip


def before_the_error(path: Path) -> tuple[list[str], str]:
    found: list[str] = []
    with pytest.raises(DataError) as caught:
        found.extend(image.source.partition("#")[2] for image in images.of_tar(file_at(path)))
    return found, str(caught.value)


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz", "a.tgz", "a.TAR"])
def test_the_images_of_a_tar_file_in_its_order(tmp_path: Path, name: str) -> None:
    path = write_tar(tmp_path / name, MEMBERS, "w:gz" if "gz" in name else "w")
    assert members_of(path) == FOUND


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_long_and_strange_names(tmp_path: Path, form: int) -> None:
    long, accents = f"{'folder/' * 16}{'n' * 60}.png", "é/ü.png"
    with tarfile.open(tmp_path / "a.tar", "w", format=form) as tar:
        for name in (long, accents):
            tar.addfile(tarfile.TarInfo(name))
    assert [name for name, _ in members_of(tmp_path / "a.tar")] == [long, accents]


def test_links_are_errors_and_folders_and_devices_no_images(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.CHRTYPE):
            info = tarfile.TarInfo("x.png")
            info.type, info.linkname = kind, "/etc/passwd"
            tar.addfile(info)
    found = members_of(tmp_path / "a.tar")
    assert [str(error) for _, error in found] == ["a link to /etc/passwd"] * 2


def blocks(tmp_path: Path) -> tuple[Path, bytes]:
    """A tar file of 9 images of one block each, and its bytes."""
    path = write_tar(tmp_path / "a.tar", [(f"{n}.png", b"x" * 500) for n in range(9)])
    return path, path.read_bytes()


@pytest.mark.parametrize(
    ("end", "whole"),
    [(0, 0), (100, 0), (512, 0), (600, 0), (1024, 1), (1300, 1), (8 * 1024, 8), (9 * 1024, 9)],
)
def test_a_tar_file_that_ends_early_gives_what_is_whole_and_says_so(
    tmp_path: Path, end: int, whole: int
) -> None:
    path, content = blocks(tmp_path)
    path.write_bytes(content[:end])
    found, message = before_the_error(path)
    assert found == [f"{n}.png" for n in range(whole)]
    assert "truncated" in message


def test_a_damaged_head_in_the_middle_does_not_pass_for_the_end(tmp_path: Path) -> None:
    path, content = blocks(tmp_path)
    path.write_bytes(content[: 4 * 1024] + b"?" * 100 + content[4 * 1024 + 100 :])
    found, message = before_the_error(path)
    assert found == ["0.png", "1.png", "2.png", "3.png"]
    assert "checksum" in message


@pytest.mark.parametrize("kind", [b"x", b"g", b"L", b"K"])
def test_a_name_of_gigabytes_is_not_taken_into_memory(tmp_path: Path, kind: bytes) -> None:
    info = tarfile.TarInfo("name")
    info.type, info.size = kind, 3 << 30
    with (tmp_path / "a.tar").open("wb") as file:
        file.write(info.tobuf())
        os.truncate(file.fileno(), info.size + 10 * 512)
    found, message = before_the_error(tmp_path / "a.tar")
    assert found == []
    assert "a name of 3,221,225,472 bytes" in message


@pytest.mark.parametrize("seed", range(200))
def test_flipped_bytes_raise_nothing_else(tmp_path: Path, seed: int) -> None:
    path, content = blocks(tmp_path)
    damaged = bytearray(content)
    random = Random(seed)
    for _ in range(random.randrange(1, 20)):
        damaged[random.randrange(9 * 1024)] = random.randrange(256)
    path.write_bytes(damaged)
    with suppress(DataError):
        list(images.of_tar(file_at(path)))


def test_tar_files_that_were_joined_do_not_end_with_the_first(tmp_path: Path) -> None:
    path, content = blocks(tmp_path)
    path.write_bytes(content + content)
    found, message = before_the_error(path)
    assert found == [f"{n}.png" for n in range(9)]
    assert "more after its end mark" in message


def test_a_damaged_gzip_and_what_is_no_tar_at_all(tmp_path: Path) -> None:
    content = gzip.compress(blocks(tmp_path)[1])
    for name, damaged in (
        ("cut.tar.gz", content[:-30]),
        ("wrong.tar.gz", content[:60] + b"\0\1\2" + content[63:]),
        ("text.tar", b"hello" * 1000),
    ):
        (tmp_path / name).write_bytes(damaged)
        assert "damaged or truncated" in before_the_error(tmp_path / name)[1]


def test_files_that_cannot_be_read_are_errors_of_their_own(tmp_path: Path) -> None:
    for name in ("a.png", "b.png", "c.png"):
        (tmp_path / name).write_bytes(name.encode())
    found = tuple(files((Input.of(str(tmp_path)),), "/nowhere"))
    (tmp_path / "b.png").unlink()
    first, second, third = images.of_files(found)
    assert (first.content, third.content) == (b"a.png", b"c.png")
    assert "No such file" in str(second.content)
    folder = File("sub", str(tmp_path), str(tmp_path), -1, 0)
    (listed,) = images.of_files((folder,))
    assert "directory" in str(listed.content)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "a.png").open("wb") as file:
        os.truncate(file.fileno(), 600 << 20)
    (image,) = images.of_files((file_at(tmp_path / "a.png"),))
    assert isinstance(image.content, ImageError)
    assert "more than 512 MiB" in str(image.content)
    info = tarfile.TarInfo("big.png")
    info.size = 600 << 20
    with (tmp_path / "a.tar").open("wb") as file:
        file.write(info.tobuf())
        os.truncate(file.fileno(), info.size + 10 * 512)
    ((_, content),) = members_of(tmp_path / "a.tar")
    assert "more than 512 MiB" in str(content)


def sizes(lists: Sequence[Sequence[Image]]) -> list[int]:
    return [len(each) for each in lists]


def test_images_are_gathered_by_number_and_by_size() -> None:
    small = [Image(str(n), b"x") for n in range(2 * HELD_IMAGES + 1)]
    assert sizes(list(gathered(iter(small)))) == [HELD_IMAGES, HELD_IMAGES, 1]
    large = [Image("a", bytes(HELD_BYTES // 2))] * 5
    assert sizes(list(gathered(iter(large)))) == [2, 2, 1]


def test_what_was_gathered_before_an_error_is_not_lost() -> None:
    def some():
        yield Image("a", b"x")
        raise DataError("damaged")

    found = gathered(some())
    assert next(found) == [Image("a", b"x")]
    with pytest.raises(DataError):
        next(found)


def test_a_tar_file_is_read_in_bounded_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    with path.open("wb") as file:
        for number in range(20_000):
            file.write(tarfile.TarInfo(f"{number}.png").tobuf())
        file.write(bytes(1024))
    found = images.of_tar(file_at(path))
    next(found)
    assert found.gi_frame is not None
    tar = found.gi_frame.f_locals["tar"]
    assert sum(1 for _ in found) == 19_999
    assert len(tar.members) <= 1
