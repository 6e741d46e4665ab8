"""`digitlens`, in a process that kills itself with SIGKILL at a chosen moment.

    python killer.py MOMENT NUMBER ARGUMENT…

`batch 7` dies before the seventh batch, `write 3` when half of the third file is written,
`move 3` before that file is moved into its place, `moved 3` right after. `interrupt 7` does not
kill but presses Ctrl-C before the seventh batch.
"""

import os
import signal
import sys
from pathlib import Path

from digitlens.cli import main
from digitlens_train.trainer import Trainer


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main_with(moment: str, number: int, arguments: list[str]) -> None:
    left = iter(range(number - 1, -1, -1))
    step, write, move = Trainer._step, Path.write_bytes, Path.replace

    def is_now(name: str) -> bool:
        return name == moment and next(left) == 0

    def killing_step(*arguments, **options):
        if is_now("batch"):
            die()
        if is_now("interrupt"):
            os.kill(os.getpid(), signal.SIGINT)
        return step(*arguments, **options)

    def killing_write(path, data):
        if is_now("write"):
            write(path, data[: len(data) // 2])
            die()
        return write(path, data)

    def killing_move(path, target):
        if is_now("move"):
            die()
        move(path, target)
        if is_now("moved"):
            die()

    Trainer._step, Path.write_bytes, Path.replace = killing_step, killing_write, killing_move
    main(arguments)


if __name__ == "__main__":
    main_with(sys.argv[1], int(sys.argv[2]), sys.argv[3:])
