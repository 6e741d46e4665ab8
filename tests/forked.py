"""Commands in real processes that have their libraries already: a process that forks them.

PyTorch takes seconds to import. What is forked is a process like any other, which can be killed.
"""

import multiprocessing
import os
from multiprocessing.process import BaseProcess
from pathlib import Path

from command import OFFLINE, Result

_LIBRARIES = ["digitlens_train.cli", "digitlens_train.report", "digitlens_train.training",
              "digitlens_export.cli", "digitlens_export.exporter", "digitlens.cli.bench",
              "digitlens.cli.camera", "digitlens.live.watch", "digitlens.bench.plot"]  # fmt: skip
OUT, ERR = "said.out", "said.err"
"""Files with what the last command printed."""

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(_LIBRARIES)


def start(command: list[str], folder: Path) -> BaseProcess:
    """Start `digitlens` with these arguments in `folder`; what it says goes to files there."""
    process = _context.Process(target=_run, args=(command, folder))
    process.start()
    return process


def finish(command: list[str], folder: Path, seconds: float) -> Result:
    """Run `digitlens` to its end; a status below 0 is the signal that ended it.

    Raises:
        TimeoutError: it did not end in time, and was killed.
    """
    process = start(command, folder)
    process.join(seconds)
    if process.is_alive():
        process.kill()
        raise TimeoutError(f"{command} took more than {seconds:g} s")
    assert process.exitcode is not None
    out, err = ((folder / name).read_text() for name in (OUT, ERR))
    return Result(process.exitcode, out, err)


def _run(command: list[str], folder: Path) -> None:
    import torch

    from digitlens.cli import main

    torch.set_num_threads(1)  # its threads wait in a loop, which takes the other core too
    os.chdir(folder)
    os.environ.update(OFFLINE)
    os.environ.pop("DIGITLENS_DATA", None)
    for descriptor, name in ((1, OUT), (2, ERR)):
        os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), descriptor)
    main(command)
