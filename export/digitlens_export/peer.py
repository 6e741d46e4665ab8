"""The worker that measures the network in eager PyTorch; see `digitlens.bench.peers`."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from digitlens.bench.peer_worker import Engine
from digitlens.bench.worker import Answer, serve
from digitlens.contract import PROBABILITIES
from digitlens_train.run import Run


class Torch(Engine):
    """A run folder's network; the request has `files`, of which the first is the folder."""

    def __init__(self, files: list[str], threads: int) -> None:
        torch.set_num_threads(threads)
        self._model = Run(Path(files[0])).load_model()

    def probabilities(self, glyphs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Give float32 `[n, 10]` for float32 `[n, 1, 32, 32]`."""
        with torch.inference_mode():
            found: Any = self._model.activations(torch.from_numpy(glyphs))[PROBABILITIES]
            return np.asarray(found.numpy(), np.float32)


def make(request: Answer) -> Torch:
    """Load the network that a request names."""
    return Torch(request["files"], request["threads"])


if __name__ == "__main__":
    serve(make)
