"""Options that several sub-commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from digitlens.cli.values import FloatRange
from digitlens.errors import UsageError

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

min_confidence_option = click.option(
    "--min-confidence",
    type=FloatRange(0, 1),
    metavar="SHARE",
    help="Accept digits from this confidence on, 0 to 1; others print as '?', as do digits with a "
    "low score. [default: 0.8 with a model that the score was not fitted to, else 0]",
)


def together(*options: Callable[[F], F]) -> Callable[[F], F]:
    """Make one decorator of several options, listed in the help in this order."""

    def decorate(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


reader_options = together(
    min_confidence_option,
    click.option(
        "--threads",
        type=click.IntRange(1, 256),
        metavar="N",
        help="Threads that run the network, and OpenCV's; more cost more CPU than they save time. "
        "Default: 1.",
    ),
    model_option,
    provider_option,
)
"""How a live picture is read."""
source_argument = together(
    click.argument("place", required=False, metavar="[SOURCE]"),
    click.option(
        "--source",
        metavar="SOURCE",
        help="The same as the argument. Default: 0, the first camera.",
    ),
)
source_options = together(
    click.option("--width", type=int, metavar="PIXELS", help="Ask for it."),
    click.option("--height", type=int, metavar="PIXELS", help="Ask for it."),
    click.option(
        "--rate",
        type=float,
        metavar="N",
        help="Ask for N frames a second; of images, show N a second.",
    ),
    click.option(
        "--pixel-format",
        metavar="CODE",
        help="Ask for it, such as YUYV. Default: MJPG, in which most cameras are fastest.",
    ),
    click.option("--fast", is_flag=True, help="Read a file or the test card as fast as possible."),
    click.option("--loop", is_flag=True, help="Begin a file again when it ends."),
    click.option(
        "--steady/--no-steady",
        default=None,
        help="Follow digits and read them from several frames. Default: in all but image files.",
    ),
)
"""What is asked of a source, and how its frames follow each other."""


def source_name(place: str | None, source: str | None) -> str:
    """Give the source that the argument or the option names."""
    if place is not None and source is not None:
        raise UsageError(f"two sources, {place} and {source}: give one")
    return next((each for each in (place, source) if each is not None), "0")


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
