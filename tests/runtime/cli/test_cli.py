import re
import subprocess
import sys

import click
import pytest

from command import Digitlens, assert_one_line_error
from digitlens.cli import COMMANDS, cli

CONTEXT = click.Context(cli)


def test_help_lists_every_command(digitlens: Digitlens) -> None:
    result = digitlens("--help")
    assert result.status == 0
    assert re.findall(r"^  (\w+)  ", result.out.partition("Commands:")[2], re.M) == list(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_every_command_has_an_example_of_it(name: str) -> None:
    command = cli.get_command(CONTEXT, name)
    assert command is not None
    text = command.get_help(click.Context(command, info_name=name))
    assert f"digitlens {name} " in text.partition("Example")[2]
    assert all(p.help for p in command.params if isinstance(p, click.Option))


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["classify", "--help"],
        ["train", "--help"],
        ["serve", "--help"],
        ["batch", "--help"],
    ],
)
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys\n"
        "from digitlens.cli import main\n"
        "try:\n"
        f"    main({arguments})\n"
        "except SystemExit as exit:\n"
        "    assert exit.code == 0\n"
        "heavy = {'torch', 'torchvision', 'cv2', 'onnxruntime', 'onnx', 'numpy', 'matplotlib',\n"
        "'pyarrow', 'ray'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_wrong_usage_is_one_line_and_status_2(digitlens: Digitlens) -> None:
    assert_one_line_error(digitlens("clasify"), 2, "clasify", "digitlens --help")
    assert_one_line_error(digitlens("classify"), 2, "PATH")
    assert_one_line_error(digitlens("classify", "x", "--format", "xml"), 2, "xml", "json")
    assert_one_line_error(digitlens("classify", "x", "--provider", "cdua"), 2, "cdua", "cuda")
    assert_one_line_error(digitlens("maps", "x", "--digit", "0"), 2, "--digit")


def test_the_version_is_printed(digitlens: Digitlens) -> None:
    from digitlens import __version__

    assert digitlens("--version").out == f"digitlens, version {__version__}\n"


def test_without_arguments_the_help_is_shown(digitlens: Digitlens) -> None:
    result = digitlens()
    assert result.status == 2
    assert "Commands:" in result.err


@pytest.mark.parametrize(
    ("missing", "arguments", "extra"),
    [
        ("torch", ["train"], "train"),
        pytest.param("matplotlib", ["train"], "train", marks=pytest.mark.extras),
        ("onnx", ["export", "run"], "export"),
        ("torch", ["verify", "m.onnx", "--against", "run"], "export"),
        ("matplotlib", ["bench", "--plot", "p.png"], "plot"),
        ("starlette", ["serve", "test:"], "serve"),
        ("uvicorn", ["serve", "test:"], "serve"),
        ("websockets", ["serve", "test:", "--port", "0"], "serve"),
        ("pyarrow", ["batch", "scans", "-o", "out"], "batch"),
        ("tqdm", ["batch", "scans", "-o", "out"], "batch"),
        ("ray", ["batch", "scans", "-o", "out", "--engine", "ray"], "ray"),
    ],
)
def test_a_missing_extra_is_named(missing: str, arguments: list[str], extra: str) -> None:
    code = f"""
import sys
class Hide:
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] == {missing!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Hide())
from digitlens.cli import main
main({arguments})
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    assert done.stderr == (f'Error: {missing} is not installed: pip install "digitlens[{extra}]"\n')
