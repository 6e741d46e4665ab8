"""The command line as the tests see it."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent

DISCARD_PORT = "http://127.0.0.1:9"
OFFLINE = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), DISCARD_PORT)
"""Environment variables with which every download fails at once."""


def offline() -> dict[str, str]:
    """The environment of a process that has no network and finds the 5,000 digits alone."""
    return {k: v for k, v in os.environ.items() if k != "DIGITLENS_DATA"} | OFFLINE


@dataclass(frozen=True)
class Result:
    status: int
    out: str
    err: str


Digitlens = Callable[..., Result]


def assert_one_line_error(result: Result, status: int, *words: object) -> None:
    """Hold an error to the design: its status, nothing on stdout, one line with the value."""
    assert result.status == status, result
    assert result.out == ""
    lines = result.err.strip().splitlines()
    assert len(lines) == 1, result.err
    assert lines[0].startswith("Error: ")
    for word in words:
        assert str(word) in lines[0]
