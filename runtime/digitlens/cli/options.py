"""Options and habits that several sub-commands share."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from digitlens.text import one_line

F = TypeVar("F", bound=Callable[..., Any])

model_option = click.option(
    "--model",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="An ONNX file from 'digitlens export'. Default: the packaged model.",
)
provider_option = click.option(
    "--provider",
    default="cpu",
    show_default=True,
    metavar="NAME",
    help="The execution provider that runs the network; 'digitlens doctor' lists them, and auto is "
    "what 'digitlens bench --pick' found to be fastest.",
)


def format_option(*forms: str) -> Callable[[F], F]:
    """Give the option --format, whose default is the first of `forms`."""
    return click.option(
        "--format",
        "form",
        type=click.Choice(forms),
        default=forms[0],
        show_default=True,
        help="How to print the result.",
    )


def error_line(message: str) -> str:
    """Format an error as the one line that it costs."""
    return one_line(f"Error: {' '.join(message.split())}")


def silence_libraries() -> None:
    """Keep the image decoders' own messages off standard error.

    libpng and others write to file descriptor 2 from C, beside the one line that digitlens
    prints about a broken file. Python's own standard error gets a descriptor of its own.
    """
    if sys.stderr is None or sys.stderr.closed:
        return
    sys.stderr.flush()
    sys.stderr = os.fdopen(os.dup(2), "w", buffering=1, encoding=sys.stderr.encoding or "utf-8",
                           errors="backslashreplace")  # fmt: skip
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    os.close(null)
