"""Every example of the README and of the commands' help, run in one folder, in order."""

import json
import re
import shutil
from pathlib import Path

import click
import pytest

from command import ROOT
from digitlens.cli import COMMANDS, cli
from examples import commands, run_in, serve_in
from server import serving

README = (ROOT / "README.md").read_text()
QUIETLY = "curl --noproxy 127.0.0.1 -sSf"
TABLE = re.findall(r"^\| `(\w+)` \|.*\| `(digitlens [^`]+)` \|$", README, re.M)


def examples_of(name: str) -> list[str]:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert command.epilog is not None
    return command.epilog.partition(":")[2].split(";")


EXAMPLES = list(dict.fromkeys(
    each.strip() for name, example in TABLE for each in (example, *examples_of(name))
))  # fmt: skip
"""The examples of the table and of the help, each once."""


def test_the_table_has_every_command_with_an_example_of_it() -> None:
    assert [name for name, _ in TABLE] == list(COMMANDS)
    assert all(example.startswith(f"digitlens {name}") for name, example in TABLE)


def test_every_example_of_the_table_and_of_the_help_works(folder: Path) -> None:
    for each in EXAMPLES:
        (serve_in if each.startswith("digitlens serve") else run_in)(folder, each)
    for path in ("runs/classic/lenet5.onnx", "lenet5.onnx", "photo-maps.png", "maps.png"):
        assert (folder / path).exists()


def test_the_python_example_works(folder: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README, re.S)
    (folder / "example.py").write_text(code)
    printed = run_in(folder, "python example.py")
    assert printed.startswith("12345\n67890\n1 ")
    assert printed.endswith("(10, 6, 28, 28)\n")


def test_the_other_commands_are_among_them() -> None:
    section = README.partition("## From photo to camera to cluster")[2].partition("\n## ")[0]
    found = commands(section)
    assert len(found) == 5
    assert set(found) <= set(EXAMPLES)


def test_it_is_short_and_names_what_there_is() -> None:
    assert len(README.splitlines()) < 250
    named = set(re.findall(r"\]\((?:docs/)([\w-]+\.\w+)", README))
    pages = {path.name for path in (ROOT / "docs").glob("*.md")}
    assert pages - {"index.md"} <= named


def test_the_figures_of_the_packaged_model_are_what_doctor_prints(folder: Path) -> None:
    printed = run_in(folder, "digitlens doctor")
    section = README.partition("## The packaged model")[2].partition("##")[0]
    for figure in (r"([\d.]+) % of", r"more than (\S+),", r"file \| ([\d,]+) bytes"):
        (value,) = re.findall(figure, section)
        assert value in printed


def test_every_command_of_the_page_about_serving_works(folder: Path) -> None:
    text = (ROOT / "docs" / "serve.md").read_text()
    kinds = {command.split()[0] for command in commands(text)}
    assert kinds == {"digitlens", "curl", "openssl"}
    with serving("test:", env={"DIGITLENS_TOKEN": "secret"}) as server:
        for command in commands(text):
            if command.startswith("digitlens"):
                serve_in(folder, command)
                continue
            asks = command.replace("127.0.0.1:8765", f"127.0.0.1:{server.port}")
            if "$DIGITLENS_TOKEN" not in asks:
                asks = asks.replace("curl ", 'curl -H "Authorization: Bearer secret" ')
            printed = run_in(folder, f"DIGITLENS_TOKEN=secret; {asks.replace('curl', QUIETLY)}")
            if "api/read" in command:
                assert json.loads(printed)["text"] == "12345\n67890"
                assert ("taps" in json.loads(printed)) == ("taps" in command)


def test_every_command_of_the_page_about_batches_works_that_needs_no_other_machine(
    folder: Path,
) -> None:
    text = (ROOT / "docs" / "batch.md").read_text()
    here = [each for each in commands(text) if not re.search(r"//|/shared|^ray|^export|^pip", each)]
    assert len(here) == 2
    for command in here:
        shutil.rmtree(folder / command.split("--output ")[1].split()[0], ignore_errors=True)
        run_in(folder, command)
    (code,) = re.findall(r"```python\n(.*?)```", text, re.S)
    (folder / "readers.py").write_text(code)
    assert run_in(folder, "python readers.py") == "2 20 2\n"


@pytest.mark.parametrize(
    "page",
    [
        "README.md",
        "SECURITY.md",
        "CONTRIBUTING.md",
        "docs/serve.md",
        "docs/bench.md",
        "docs/batch.md",
    ],
)
def test_every_file_that_a_page_names_is_there(page: str) -> None:
    for target in re.findall(r"\]\(([^)#]+)", (ROOT / page).read_text()):
        assert (ROOT / page).parent.joinpath(target).exists(), target
    for script in re.findall(r"scripts/\w+\.py", (ROOT / page).read_text()):
        assert (ROOT / script).exists()
