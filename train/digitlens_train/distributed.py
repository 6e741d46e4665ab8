"""The processes that train together, one of which may be alone.

`torchrun` starts them and tells each its rank. All of them see the same images in the same order
and compute a share of every batch; the first one alone prints and writes.
"""

import gc
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TypeVar, cast

import torch
from torch import Tensor, distributed

from digitlens.errors import DigitlensError, RunError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Group:
    """The place of this process among `size`; by default it is alone."""

    rank: int = 0
    size: int = 1
    device: str = "cpu"

    @property
    def leads(self) -> bool:
        """Whether this is the process that prints and writes."""
        return self.rank == 0

    def share(self, count: int) -> slice:
        """Give this process's part of `count` things; the parts differ by one at most."""
        return slice(count * self.rank // self.size, count * (self.rank + 1) // self.size)

    def sum(self, values: Tensor) -> Tensor:
        """Add up `values` over all processes, in place."""
        if self.size > 1:
            distributed.all_reduce(values)
        return values

    def agree(self, value: T) -> T:
        """Give all processes the leader's `value`."""
        if self.size == 1:
            return value
        values = [value]
        distributed.broadcast_object_list(values)
        return values[0]

    def lead(self, function: Callable[[], T]) -> T:
        """Let the leader call `function`, and give its result to all.

        If it raises a `DigitlensError`, all end; the others silently.
        """
        result: T | None = None
        failure: DigitlensError | None = None
        if self.leads:
            try:
                result = function()
            except DigitlensError as error:
                failure = error
        result, failure = self.agree((result, failure))
        if failure:
            raise failure if self.leads else SystemExit(failure.exit_code)
        return cast(T, result)

    def any(self, value: bool) -> bool:
        """Tell whether `value` holds in one of the processes."""
        if self.size == 1:
            return value
        return bool(self.sum(torch.tensor(int(value), device=self.device)))


def place() -> Group:
    """Tell from the environment which process this is, before it has joined the others."""
    if not distributed.is_torchelastic_launched():
        return Group()
    return Group(int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"]))


@contextmanager
def joined(device: torch.device) -> Iterator[Group]:
    """Join the processes that `torchrun` started, with gloo on CPUs and nccl on CUDA devices.

    Raises:
        RunError: another process is gone, or this one failed.
    """
    group = replace(place(), device=device.type)
    if group.size == 1:
        yield group
        return
    try:
        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
        yield group
        gc.collect()  # what computed in the block must be gone before the group is
        distributed.destroy_process_group()
    except RuntimeError as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise RunError(
            f"process {group.rank + 1} of {group.size} failed, or lost the others ({reason}): "
            "start all of them again with --resume"
        ) from error
