"""The site of the documentation: built strictly, its notebook executed, nothing from elsewhere."""

import json
import re
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from command import ROOT, offline


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site") / "site"
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, env=offline(), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_every_page_is_there(site: Path) -> None:
    sources = [*(ROOT / "docs").rglob("*.md"), *(ROOT / "docs").rglob("*.ipynb")]
    for source in sources:
        page = site / source.relative_to(ROOT / "docs").with_suffix(".html")
        assert page.exists(), page


def test_the_walkthrough_was_executed_and_is_kept_without_outputs(site: Path) -> None:
    cells = json.loads((ROOT / "docs" / "walkthrough.ipynb").read_text())["cells"]
    assert not any(cell.get("outputs") for cell in cells)
    page = (site / "walkthrough.html").read_text()
    pictures = re.findall(r'<img alt="([^"]+)" src="(walkthrough-\d+\.png)"', page)
    assert len(pictures) >= 8
    for _, name in pictures:
        assert cv2.imread(str(site / name)).std() > 0
    assert "61,706" in page or "61706" in page
    for step in range(1, 9):
        assert re.search(rf"<h2[^>]*>{step}\. ", page), step


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    for page in [*site.rglob("*.html"), *site.rglob("*.css")]:
        assert loaded_from_elsewhere(page.read_text()) == [], page


def loaded_from_elsewhere(text: str) -> list[str]:
    address = r"""\s*["']?\s*(?:https?:)?//[^\s"')>]+"""
    tags = rf"<(?:script|img|iframe|source|video)\b[^>]*?\s(?:src|srcset)={address}"
    links = rf"<link\b(?=[^>]*rel=.?(?:stylesheet|preload|icon))[^>]*?href={address}"
    styles = rf"url\({address}|@import\s+{address}"
    return re.findall(rf"{tags}|{links}|{styles}", text)


@pytest.mark.parametrize(
    "text",
    [
        "<script src=https://cdn.example/a.js></script>", '<img alt="x" src="//cdn.example/a.png">',
        "@import url(https://cdn.example/a.css)", "@import 'https://cdn.example/a.css'",
        '<source srcset="https://cdn.example/a.png 2x">', "background: url( '//cdn.example/a.png')",
        '<link rel="stylesheet" href="https://cdn.example/a.css">',
    ],
)  # fmt: skip
def test_what_would_be_loaded_from_elsewhere_is_found(text: str) -> None:
    assert loaded_from_elsewhere(text)


def test_the_reference_has_every_command_and_the_public_names(site: Path) -> None:
    import digitlens
    from digitlens.cli import COMMANDS

    commands = (site / "reference" / "commands.html").read_text()
    for name in COMMANDS:
        assert f"Usage: digitlens {name}" in commands
    python = (site / "reference" / "python.html").read_text()
    for name in set(digitlens.__all__) - {"__version__"}:
        assert re.search(rf'id="digitlens\.[\w.]*{name}"', python), name


def test_words_are_spelled_as_in_the_dictionary() -> None:
    typos = [str(Path(sys.executable).with_name("typos")), "--format", "brief"]
    done = subprocess.run(typos, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
