import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from command import Digitlens, assert_one_line_error


@pytest.fixture
def scans(tmp_path: Path, digits: list[np.ndarray]) -> Path:
    """A folder with 1.png, 2.png and 10.png, which show these digits (10 a 0), and a broken one."""
    folder = tmp_path / "scans"
    folder.mkdir()
    for name, label in (("1", 1), ("2", 2), ("10", 0)):
        cv2.imwrite(str(folder / f"{name}.png"), digits[label])
    (folder / "9.png").write_text("this is no picture")
    return folder


def test_json_is_one_object_a_line_in_order_with_errors_among_them(
    digitlens: Digitlens, scans: Path, photo: Path
) -> None:
    result = digitlens("classify", photo, scans, "--format", "json")
    assert result.status == 1
    assert result.err == ""
    lines = [json.loads(line) for line in result.out.splitlines()]
    names = [Path(line["source"]).name for line in lines]
    assert names == ["photo.png", "1.png", "2.png", "9.png", "10.png"]
    assert set(lines[3]) == {"source", "error"}
    assert lines[3]["error"].startswith("not an image: ")
    first = lines[0]
    assert list(first) == ["source", "width", "height", "text", "digits", "elapsed_ms"]
    assert first["text"] == "12345\n67890"
    assert set(first["digits"][0]) == {"label", "confidence", "sure", "box"}
    assert [line["text"] for line in lines if "text" in line][1:] == ["1", "2", "0"]


def test_the_table_has_a_line_an_image_and_errors_on_stderr(
    digitlens: Digitlens, scans: Path, photo: Path
) -> None:
    result = digitlens("classify", scans, photo)
    assert result.status == 1
    assert len(result.out.splitlines()) == 4
    assert "12345 / 67890" in result.out
    assert result.err.count("\n") == 1
    assert result.err.startswith(f"Error: {scans / '9.png'}: not an image: ")


def test_csv_has_a_row_an_image(digitlens: Digitlens, scans: Path, photo: Path) -> None:
    result = digitlens("classify", photo, scans, "--format", "csv")
    assert result.status == 1
    rows = list(csv.DictReader(io.StringIO(result.out)))
    assert [row["text"] for row in rows] == ["12345\n67890", "1", "2", "", "0"]
    assert rows[0]["labels"] == "1 2 3 4 5 6 7 8 9 0"
    assert rows[3]["error"].startswith("not an image")


def test_good_files_alone_end_with_0(digitlens: Digitlens, scans: Path) -> None:
    result = digitlens("classify", scans / "1.png", scans / "2.png", "--format", "json")
    assert (result.status, result.err) == (0, "")


def test_a_missing_path_ends_with_2_and_the_rest_is_read(digitlens: Digitlens, scans: Path) -> None:
    result = digitlens("classify", "missing.png", scans / "9.png", scans / "1.png")
    assert result.status == 2
    assert "missing.png: no such file" in result.err
    assert "9.png: not an image" in result.err
    assert len(result.out.splitlines()) == 1


def test_paths_that_no_file_can_have_cost_a_line_each(digitlens: Digitlens, scans: Path) -> None:
    result = digitlens("classify", "x" * 300, scans / "1.png")
    assert result.status == 1
    assert "xxx: cannot be read" in result.err
    assert len(result.out.splitlines()) == 1


def test_names_with_control_characters_stay_on_one_line(
    digitlens: Digitlens, scans: Path, tmp_path: Path
) -> None:
    odd, broken = tmp_path / "two\nlines\x1b[1m.png", tmp_path / "bro\nken.png"
    odd.write_bytes((scans / "1.png").read_bytes())
    broken.write_text("no image")
    result = digitlens("classify", odd, broken)
    assert result.status == 1
    assert len(result.out.splitlines()) == len(result.err.splitlines()) == 1
    assert "two\\nlines\\x1b[1m.png" in result.out


def test_endless_and_empty_paths_are_refused(digitlens: Digitlens, scans: Path) -> None:
    if Path("/dev/zero").exists():
        result = digitlens("classify", "/dev/zero", scans / "1.png")
        assert result.status == 1
        assert "/dev/zero: not an image: it is no regular file" in result.err
        assert len(result.out.splitlines()) == 1
    assert_one_line_error(digitlens("classify", ""), 2, "Error: an empty path: no such file")


def test_a_map_that_cannot_be_written_costs_a_line_and_not_the_reading(
    digitlens: Digitlens, scans: Path, tmp_path: Path
) -> None:
    (tmp_path / "maps" / "1-1.png").mkdir(parents=True)
    paths = [scans / "1.png", scans / "2.png"]
    result = digitlens("classify", *paths, "--maps", tmp_path / "maps")
    assert result.status == 2
    assert len(result.out.splitlines()) == 2
    assert result.err.count("\n") == 1
    assert "1-1.png: it is a folder" in result.err
    assert (tmp_path / "maps" / "2-1.png").exists()


def test_closed_streams_are_no_traceback(photo: Path) -> None:
    for redirection in ("- <&-", f"{photo} 2>&-"):
        command = f"{sys.executable} -m digitlens classify {redirection}"
        done = subprocess.run(command, shell=True, capture_output=True, text=True)
        assert "Traceback" not in done.stderr
        assert done.returncode == (1 if redirection.startswith("-") else 0)


def test_file_names_need_not_be_utf_8(digitlens: Digitlens, scans: Path, tmp_path: Path) -> None:
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff odd.png"))
    odd.write_bytes((scans / "1.png").read_bytes())
    for form in ("table", "json", "csv"):
        strict = {"PYTHONIOENCODING": "utf-8:strict"}
        result = digitlens("classify", odd, "--format", form, env=strict)
        assert result.status == 0, result.err
        assert "odd.png" in result.out


def test_a_folder_without_images_is_said(digitlens: Digitlens, tmp_path: Path) -> None:
    assert_one_line_error(digitlens("classify", tmp_path), 1, tmp_path, "no images")


def test_an_image_comes_from_standard_input(digitlens: Digitlens, photo: Path) -> None:
    result = digitlens("classify", "-", "--format", "json", stdin=photo.read_bytes())
    assert result.status == 0, result.err
    line = json.loads(result.out)
    assert (line["source"], line["text"]) == ("-", "12345\n67890")
    assert_one_line_error(digitlens("classify", "-", stdin=b""), 1, "-: not an image", "empty")


@pytest.mark.parametrize("damage", ["truncated", "flipped"])
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".gif", ".tiff"])
def test_a_damaged_image_costs_one_line_or_is_read(
    digitlens: Digitlens, page: np.ndarray, tmp_path: Path, suffix: str, damage: str
) -> None:
    content = bytearray(cv2.imencode(suffix, page)[1].tobytes())
    if damage == "truncated":
        del content[len(content) // 2 :]
    else:
        content[len(content) // 2] ^= 0xFF
    path = tmp_path / f"damaged{suffix}"
    path.write_bytes(content)
    result = digitlens("classify", path)
    if damage == "truncated" or result.status:
        assert_one_line_error(result, 1, path, "not an image")


def test_maps_are_drawn_for_every_digit_under_names_that_do_not_collide(
    digitlens: Digitlens, scans: Path, photo: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "1.png").write_bytes((scans / "2.png").read_bytes())
    result = digitlens("classify", scans / "1.png", other, photo, "--maps", tmp_path / "maps")
    assert result.status == 0, result.err
    names = {path.name for path in (tmp_path / "maps").iterdir()}
    assert names == {"1-1.png", "1_2-1.png"} | {f"photo-{n}.png" for n in range(1, 11)}
    assert cv2.imread(str(tmp_path / "maps" / "photo-10.png")).shape[1] == 1280


@pytest.mark.parametrize(("option", "ending"), [("--maps", "-1"), ("--explain", "-explained")])
def test_no_image_is_drawn_over(
    digitlens: Digitlens, photo: Path, tmp_path: Path, option: str, ending: str
) -> None:
    own = tmp_path / f"photo{ending}.png"
    own.write_bytes(photo.read_bytes())
    result = digitlens("classify", tmp_path, option, tmp_path, "--format", "json")
    texts = [json.loads(line)["text"] for line in result.out.splitlines()]
    assert texts == ["12345\n67890"] * 2
    assert own.read_bytes() == photo.read_bytes()
    assert (tmp_path / f"photo{ending}{ending}.png").exists()
    assert result.status == 2
    assert result.err == f"Error: cannot write {own}: it is one of the images that are read\n"


def test_an_error_names_the_file_as_it_was_given(digitlens: Digitlens, tmp_path: Path) -> None:
    name = "two  blanks\u00a0.png"
    (tmp_path / name).write_bytes(b"hello")
    for given in (name, f"./{name}"):
        result = digitlens("classify", given, cwd=tmp_path)
        shown = given.replace("\u00a0", "\\xa0")
        assert result.err.startswith(f"Error: {shown}: not an image: ")
        record = json.loads(digitlens("classify", given, "--format", "json", cwd=tmp_path).out)
        assert record["error"].startswith("not an image: ")


def test_what_cannot_be_said_stops_no_work(photo: Path) -> None:
    words = f"{sys.executable} -m digitlens classify {photo} none.png {photo}"
    done = subprocess.run(f"{words} 2>/dev/full", shell=True, capture_output=True, text=True)
    assert done.stdout.count("12345 / 67890") == 2
    assert done.returncode == 2


def test_little_memory_is_enough_for_a_small_image_and_too_little_is_one_line(photo: Path) -> None:
    def limited(path: Path, mebibytes: int) -> subprocess.CompletedProcess[str]:
        command = f"ulimit -v {mebibytes << 10}; {sys.executable} -m digitlens classify {path}"
        return subprocess.run(command, shell=True, capture_output=True, text=True)

    assert "12345 / 67890" in limited(photo, 750).stdout
    large = photo.with_name("large.bmp")
    cv2.imwrite(str(large), np.full((8000, 8000, 3), 255, np.uint8))
    refused = limited(large, 750)
    assert refused.returncode == 1
    assert len(refused.stderr.splitlines()) == 1
    assert refused.stderr.startswith("Error: ")
    assert "memory" in refused.stderr


def test_an_unwritable_folder_for_maps_is_one_line(digitlens: Digitlens, photo: Path) -> None:
    result = digitlens("classify", photo, "--maps", photo / "maps")
    assert_one_line_error(result, 2, "cannot make", photo)


def test_a_reader_that_leaves_early_is_no_error_worth_a_traceback(photo: Path) -> None:
    command = [sys.executable, "-m", "digitlens", "classify", *[str(photo)] * 200]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    process.wait(timeout=60)
    assert b"Traceback" not in errors


def test_an_explanation_is_drawn_for_every_image(
    digitlens: Digitlens, scans: Path, photo: Path, tmp_path: Path
) -> None:
    result = digitlens("classify", scans / "1.png", photo, "--explain", tmp_path / "why")
    assert result.status == 0, result.err
    assert {path.name for path in (tmp_path / "why").iterdir()} == {
        "1-explained.png",
        "photo-explained.png",
    }
    assert cv2.imread(str(tmp_path / "why" / "photo-explained.png")).shape[1] == 1280


def test_the_least_confidence_can_be_asked_for_and_its_default_is_in_the_help(
    digitlens: Digitlens, photo: Path
) -> None:
    from digitlens.contract import SURE

    strict = digitlens("classify", photo, "--min-confidence", 1, "--format", "json")
    record = json.loads(strict.out)
    assert "?" in record["text"]
    assert len(record["digits"]) == 10
    assert f"default: {SURE}" in " ".join(digitlens("classify", "--help").out.split())
    assert_one_line_error(digitlens("classify", photo, "--min-confidence", 2), 2, "2")
