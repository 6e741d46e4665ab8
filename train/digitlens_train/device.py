"""The device that computes."""

import os

import torch

from digitlens.errors import UsageError
from digitlens_train.distributed import place


def choose_device(name: str) -> torch.device:
    """Turn `auto`, `cpu`, `cuda` or `mps` into a device that is there.

    Of several CUDA devices, each process that `torchrun` started on a machine gets its own;
    Apple's mps serves one process alone.

    Raises:
        UsageError: the device is not there.
    """
    is_alone = place().size == 1
    number = 0 if is_alone else int(os.environ["LOCAL_RANK"])
    there = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available() and is_alone,
    }
    if name == "auto":
        name = next((kind for kind, is_there in there.items() if is_there), "cpu")
    if not there.get(name, name == "cpu"):
        raise UsageError(f"no {name} device here: use --device auto or --device cpu")
    if name == "cuda":
        if number >= torch.cuda.device_count():
            raise UsageError(
                f"{torch.cuda.device_count()} cuda devices for process {number + 1} on this "
                "machine: start fewer, or use --device cpu"
            )
        torch.cuda.set_device(number)
    return torch.device(name)
