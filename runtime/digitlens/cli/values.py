"""Values of options that click has no type for."""

import math
import re
from typing import Any

import click


def paces(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> list[float | None]:
    """Take calls a second, 0.1 to 10,000, or `max`, which is None: back to back."""
    return [_pace(value) for value in values]


def _pace(value: str) -> float | None:
    if value == "max":
        return None
    try:
        pace = float(value)
    except ValueError:
        pace = 0
    if not 0.1 <= pace <= 10_000:
        raise click.BadParameter(f"{value!r} is neither max nor a number from 0.1 to 10000")
    return pace


def percent(_: click.Context, __: click.Parameter, value: str | None) -> float | None:
    """Take a percentage, with or without its sign, as a share."""
    if value is None:
        return None
    try:
        percent = float(value.removesuffix("%"))
    except ValueError:
        percent = -1
    if not 0 <= percent <= 10_000:
        raise click.BadParameter(f"{value!r} is no percentage from 0% to 10000%")
    return percent / 100


class FloatRange(click.FloatRange):
    """click's own lets `nan` pass, and `inf` where there is no end; JSON has neither."""

    def convert(
        self,
        value: Any,  # noqa: ANN401
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Any:  # noqa: ANN401
        """Take a finite number of the range."""
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is no finite number", param, ctx)
        return number


def dims(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> dict[str, int]:
    """Take `NAME=SIZE`, with sizes from 1 to a million."""
    found = {}
    for value in values:
        symbol, _equals, size = value.rpartition("=")
        if not symbol or not re.fullmatch("[0-9]{1,7}", size) or not 1 <= int(size) <= 1_000_000:
            raise click.BadParameter(
                f"{value[:80]!r} is not NAME=SIZE such as batch=1, of 1 to 1000000"
            )
        found[symbol] = int(size)
    return found
