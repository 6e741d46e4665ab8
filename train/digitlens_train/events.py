"""TensorBoard's event files, for those who watch their runs there."""

from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any

from digitlens.errors import UsageError
from digitlens_train.trainer import Epoch


def check_installed() -> None:
    """Raise `UsageError` unless event files can be written."""
    if find_spec("tensorboard") is None:
        raise UsageError('tensorboard is not installed: pip install "digitlens[tensorboard]"')


class Events:
    """A writer of event files in `folder`, or of nothing where there is no folder."""

    def __init__(self, folder: Path | None) -> None:
        self.writer: Any = None
        if folder:
            from torch.utils.tensorboard import SummaryWriter

            self.writer = SummaryWriter(folder, purge_step=0)

    def __enter__(self) -> "Events":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.writer:
            self.writer.close()

    def add(self, epoch: Epoch) -> None:
        """Write loss and accuracy of one epoch, and flush them."""
        if not self.writer:
            return
        for what in ("loss", "accuracy"):
            for images in ("train", "valid"):
                value = getattr(epoch, f"{images}_{what}")
                self.writer.add_scalar(f"{what}/{images}", value, epoch.epoch)
        self.writer.flush()
