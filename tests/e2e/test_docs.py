"""Every example of the pages in docs/, run in one folder, in order."""

import re
from pathlib import Path

import pytest

from command import ROOT
from digitlens.capture import feed
from digitlens.serve import broadcast, connection, desk, inbox, outbox, viewer
from examples import blocks, commands, run_in, serve_in

DOCS = ROOT / "docs"
PAGES = ("index.md", "install.md", "photos.md", "camera.md", "raspberry-pi.md", "model.md",
         "machines.md", "gpu.md", "bench.md", "reference/commands.md", "reference/python.md",
         "reference/model-file.md", "reference/json.md")  # fmt: skip
"""The others have tests of their own: serve.md and batch.md in test_readme.py."""

NOT_HERE = {
    r"\bpip\b|-m venv|\.venv-gpu|\.venv-onnx": "installs: tests/e2e/test_wheel.py does that",
    r"onnxruntime-(gpu|openvino)": "large; tests/e2e/test_bench_environments.py has one",
    r"^digitlens camera( test:| [01] .*| --list-cameras)?$": "a camera, a screen",
    r"^digitlens bench( --provider cpu .*)?$": "minutes; --quick measures the same",
    r"yours\.onnx": "any network",
    r"rtsp://": "a network camera",
    r"\bsudo |^rpicam-vid|^journalctl|/opt/digitlens": "another machine; see test_service.py",
    r"tcp://": "a camera; tests/e2e/test_camera.py has one",
    r"10\.0\.0\.1|^torchrun|--engine ray": "other machines; test_distributed.py, test_batch_ray.py",
    r"--device cuda": "a GPU",
}
"""What is not run, by pattern, and why."""


def is_here(command: str) -> bool:
    return not any(re.search(pattern, command) for pattern in NOT_HERE)


@pytest.mark.parametrize("name", PAGES)
def test_every_example_works(name: str, folder: Path) -> None:
    (folder / "broken.png").touch()
    if not (folder / "schemas").exists():
        (folder / "schemas").symlink_to(DOCS / "schemas")
    text = (DOCS / name).read_text()
    for block in re.findall(r"^```(?:sh|python)\n.*?^```", text, re.S | re.M):
        for command in filter(is_here, commands(block)):
            if command.startswith("digitlens serve"):
                serve_in(folder, command)
            else:
                run_in(folder, command, 1 if "broken.png" in command else 0)
        for code in blocks(block, "python"):
            (folder / "example.py").write_text(code)
            run_in(folder, "python example.py")


LIMITS = {
    "serve.md": [
        f"{inbox.MAX_TOGETHER >> 20} MiB of bodies and {outbox.MAX_TOGETHER >> 20} MiB of answers",
        f"more than {desk.LARGE // 10**6} megapixels", f"{broadcast.MAX_VIEWERS} may watch",
        f"{connection.MAX_CONNECTIONS} may be connected",
        f"no more than {('no', 'one', 'two')[viewer.AHEAD]} are under way",
    ],
    "camera.md": [f"for {feed.PATIENCE:g} seconds"],
}  # fmt: skip


@pytest.mark.parametrize("page", LIMITS)
def test_limits_are_those_of_the_code(page: str) -> None:
    text = " ".join((DOCS / page).read_text().split())
    for words in LIMITS[page]:
        assert words in text


def test_no_page_is_left_out_and_no_reason_is_idle() -> None:
    pages = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}
    assert pages - {"serve.md", "batch.md", "architecture.md"} == set(PAGES)
    every = [command for page in PAGES for command in commands((DOCS / page).read_text())]
    for pattern in NOT_HERE:
        assert any(re.search(pattern, command) for command in every), pattern
