"""Commands in real processes that have their libraries already: a process that forks them.

PyTorch takes seconds to import. What is forked is a process like any other, which can be killed.
"""

import multiprocessing
import os
from multiprocessing.process import BaseProcess
from pathlib import Path

from command import OFFLINE

_LIBRARIES = ["digitlens_train.cli", "digitlens_train.report", "digitlens_train.training",
              "digitlens_export.cli", "digitlens_export.exporter", "digitlens.cli.bench",
              "digitlens.cli.camera", "digitlens.live.watch", "digitlens.bench.plot"]  # fmt: skip
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(_LIBRARIES)


def start(command: list[str], folder: Path) -> BaseProcess:
    """Start `digitlens` with these arguments in `folder`; what it says goes to said.txt there."""
    process = _context.Process(target=_run, args=(command, folder))
    process.start()
    return process


def _run(command: list[str], folder: Path) -> None:
    import torch

    from digitlens.cli import main

    torch.set_num_threads(1)  # its threads wait in a loop, which takes the other core too
    os.chdir(folder)
    os.environ.update(OFFLINE)
    os.environ.pop("DIGITLENS_DATA", None)
    said = os.open("said.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(said, 1)
    os.dup2(said, 2)
    main(command)
