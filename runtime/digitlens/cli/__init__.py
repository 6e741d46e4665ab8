"""The command `digitlens`: where errors become one line and an exit status.

Sub-commands are imported when they are used, so that `digitlens --help` loads neither torch nor
OpenCV nor onnxruntime, and works without the extras.
"""

import errno
import io
import sys
from importlib import import_module

import click

from digitlens import __version__
from digitlens.cli.stderr import patient_errors
from digitlens.errors import DigitlensError
from digitlens.text import error_line

COMMANDS = {
    "train": ("digitlens_train.cli", "train", "Train LeNet-5 on MNIST and write a run folder."),
    "report": ("digitlens_train.cli", "report", "Lay runs side by side in one HTML file."),
    "export": ("digitlens_export.cli", "export", "Turn a run into one ONNX file, and prove it."),
    "verify": ("digitlens_export.cli", "verify", "Compare a model file with PyTorch again."),
    "classify": ("digitlens.cli.classify", "classify", "Read the digits of image files."),
    "maps": ("digitlens.cli.maps", "maps", "Draw the feature maps of one digit."),
    "camera": ("digitlens.cli.camera", "camera", "Read digits live from a camera or a video."),
    "serve": ("digitlens.cli.serve", "serve", "Read digits in a browser: a page, and an API."),
    "bench": ("digitlens.cli.bench", "bench", "Measure execution providers, and prove them."),
    "batch": ("digitlens.cli.batch", "batch", "Read many pictures, on all cores or a cluster."),
    "doctor": ("digitlens.cli.doctor", "doctor", "Say what this device has, and what is wrong."),
}
"""Sub-commands with the module and the name of their function, and their help in short."""

EXTRAS = {
    "train": "train",
    "report": "train",
    "export": "export",
    "verify": "export",
    "serve": "serve",
    "bench": "plot",
    "batch": "batch",
}
"""The extra that a sub-command, or one of its options, needs beyond the four dependencies."""

INTERRUPTED = 130  # 128 + SIGINT, as shells have it


class LazyGroup(click.Group):
    """A group whose sub-commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """List the names in the order in which one uses them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        """Import a sub-command."""
        if name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[name]
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list of sub-commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, _, text) in COMMANDS.items()])


@click.command(
    cls=LazyGroup,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: digitlens classify photo.png",
)
@click.version_option(__version__, prog_name="digitlens")
def cli() -> None:
    """Read handwritten digits, and see what the network sees while it does so."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 a failure, 2 wrong usage or something missing."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # file names need not be UTF-8
    patient_errors()
    try:
        status = cli.main(arguments, prog_name="digitlens", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        context = error.ctx if isinstance(error, click.UsageError) else None
        way_out = f" (see '{context.command_path} --help')" if context else ""
        fail(error.format_message() + way_out, error.exit_code)
    except (click.Abort, KeyboardInterrupt) as error:
        fail(str(error.__cause__ or "") or "interrupted", INTERRUPTED)  # click wraps it in an Abort
    except DigitlensError as error:
        fail(str(error), error.exit_code)
    except ModuleNotFoundError as error:
        extra = next((EXTRAS[argument] for argument in arguments if argument in EXTRAS), None)
        package = (error.name or "").partition(".")[0]
        if package in ("numpy", "onnxruntime", "cv2"):
            fail(f"{package} cannot be loaded: 'digitlens doctor' says why, and what to do", 2)
        if extra is None or package.startswith("digitlens"):
            raise
        fail(f'{package} is not installed: pip install "digitlens[{extra}]"', 2)
    except ImportError as error:
        reason = " ".join(str(error).split())[:200]
        fail(f"a library cannot be loaded ({reason}): 'digitlens doctor' says what to do", 2)
    except AttributeError as error:
        from digitlens.libraries import is_hollow

        if not is_hollow(error.obj):
            raise
        fail(f"{error.obj} is empty: 'digitlens doctor' says why, and what to do", 2)
    except MemoryError:
        fail("there is too little memory for this: end other programs, or give smaller images", 1)
    except BrokenPipeError:
        sys.stderr.close()  # whoever read our output has left; there is nobody to tell
        sys.exit(1)
    except OSError as error:
        is_full = error.filename is None and error.errno in (errno.ENOSPC, errno.EIO)
        what = error.filename or ("the output" if is_full else "the system")
        fail(f"{what}: {error.strerror or error}", 1)
    sys.exit(status)


def fail(message: str, status: int) -> None:
    """Print one line about what went wrong, and exit."""
    click.echo(error_line(message), err=True)
    sys.exit(status)
