"""Options and habits that several sub-commands share."""

import os
import sys
from pathlib import Path

import click

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
    help="The execution provider that runs the network; 'digitlens doctor' lists them.",
)


def silence_libraries() -> None:
    """Keep the image decoders' own messages off standard error.

    libpng and others write to file descriptor 2 from C, beside the one line that digitlens
    prints about a broken file. Python's own standard error gets a descriptor of its own.
    """
    sys.stderr.flush()
    sys.stderr = os.fdopen(os.dup(2), "w", buffering=1, encoding=sys.stderr.encoding or "utf-8",
                           errors="backslashreplace")  # fmt: skip
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    os.close(null)
