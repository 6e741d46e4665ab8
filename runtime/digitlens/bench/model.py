"""A model under test: what goes in, and what the CPU makes of it."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitlens import model_file
from digitlens.bench.process import OWN_WORKER, PIPELINE, Process, WorkerError
from digitlens.bench.worker import CPU, TYPES, save
from digitlens.capture import test_card
from digitlens.contract import GLYPH_SIZE, METADATA_KEY, PROBABILITIES, TAPS, Contract
from digitlens.errors import ModelError, UsageError
from digitlens.vision import mnist_format

FLOP_PER_IMAGE = 2 * (150 * 28 * 28 + 2400 * 10 * 10 + 48_000 + 120 * 84 + 84 * 10)
"""Floating-point operations of LeNet-5: a product and a sum for every weight at every position."""


class Model:
    """An ONNX file, its inputs, and the CPU's outputs for them; to be closed.

    Args:
        path: of the file.
        folder: where inputs and outputs are kept.
        dims: sizes of symbolic dimensions, by name.
        timeout: see `digitlens.bench.process.Process`.

    Attributes:
        sha256, size, precision: of the file; `precision` is the type of its weights.
        contract: what it says about itself, or None where it says nothing.
        dims: names of the symbolic dimensions of its inputs.

    Raises:
        NotFoundError: there is no such file.
        ModelError: it cannot be loaded.
    """

    def __init__(
        self, path: Path, folder: Path, dims: Mapping[str, int], timeout: float = 60
    ) -> None:
        try:
            content = model_file.read(path)
            self.precision = model_file.precision(content)
        except ModelError as error:
            raise ModelError(f"{path}: {error}") from error
        self.path, self.size = path, len(content)
        self._folder, self._given, self._timeout = folder, dims, timeout
        self.sha256 = hashlib.sha256(content).hexdigest()
        self._process = Process(OWN_WORKER, folder, timeout=timeout)
        try:
            opened = self._process.ask("open", model=str(path.resolve()), provider=CPU, threads=1)
            self._inputs: list[tuple[str, str, list[Any]]] = opened["inputs"]
            text = opened["metadata"].get(METADATA_KEY)
            self.contract = Contract.from_json(text) if text else None
        except (WorkerError, ModelError) as error:
            self.close()
            raise ModelError(f"{path}: the CPU cannot open it ({error})") from error
        self.dims = [name for name, *_ in self._symbols()]

    @property
    def reads_digits(self) -> bool:
        """Whether it takes glyphs."""
        shape = (1, GLYPH_SIZE, GLYPH_SIZE)
        return self.contract is not None and tuple(self.contract.input["shape"]) == shape

    @property
    def flop(self) -> int | None:
        """Floating-point operations of an image, where that is known."""
        is_lenet = self.contract is not None and self.contract.taps == TAPS
        return FLOP_PER_IMAGE if is_lenet else None

    @property
    def plain_outputs(self) -> list[str] | None:
        """What is computed where no taps are asked for; None stands for all outputs."""
        return [PROBABILITIES] if self.reads_digits else None

    def batches(self, wanted: Sequence[int]) -> list[int]:
        """Give those of the wanted batch sizes that it can take; its own where that is fixed."""
        if any(index == 0 and name not in self._given for name, index in self._symbols()):
            return list(wanted)
        first = next((self._sizes(shape, name, 1) for name, _, shape in self._inputs if shape), [1])
        return [first[0]]

    def variants(self, batch: int) -> range:
        """Number the inputs that outputs are compared for: ten digits or more in all."""
        return range(-(-10 // max(batch, 1)))

    def inputs(self, batch: int, variant: int = 0) -> Path:
        """Give an .npz file with the inputs for a batch; every variant has others.

        Digits of the test card where it reads digits; else random floats 0…1, or 0 and 1.

        Raises:
            UsageError: a dimension has no size, or an input cannot be made up.
        """
        path = self._folder / f"inputs-{self.sha256[:16]}-{batch}-{variant}.npz"
        if not path.exists():
            save(path, dict(self._arrays(batch, variant)))
        return path

    def expected(self, batch: int, variant: int = 0) -> Path:
        """Give an .npz file with the outputs of onnxruntime on the CPU for the same `inputs`.

        Raises:
            ModelError: the CPU cannot run it.
        """
        path = self._folder / f"expected-{self.sha256[:16]}-{batch}-{variant}.npz"
        if not path.exists():
            try:
                self._process.ask("feed", path=str(self.inputs(batch, variant)))
                self._process.ask("save_outputs", path=str(path))
                self._check_repeatable(batch, variant, path)
            except WorkerError as error:
                raise ModelError(
                    f"{self.path}: the CPU cannot run it on inputs that were made up ({error}): "
                    "--dim NAME=SIZE sets dimensions, --timeout how long a call may take"
                ) from error
        return path

    def _check_repeatable(self, batch: int, variant: int, path: Path) -> None:
        inputs = str(self.inputs(batch, variant))
        again = self._process.ask("check", inputs=inputs, expected=str(path))
        if again["max_error"]:
            raise ModelError(
                f"{self.path}: its output {again['output']} differs from one run to the next on "
                "the CPU, so no provider can be held to it: name a model without random numbers"
            )

    def readings(self) -> Path:
        """Give an .npz file with what the reader reads on the CPU, see `digitlens.bench.pipeline`.

        Raises:
            ModelError: it cannot be read with.
        """
        path = self._folder / f"readings-{self.sha256[:16]}.npz"
        if not path.exists():
            process = Process(PIPELINE, self._folder, timeout=self._timeout)
            try:
                process.ask("open", model=str(self.path.resolve()), provider=CPU, threads=1)
                process.ask("save_outputs", path=str(path))
            except WorkerError as error:
                raise ModelError(
                    f"{self.path}: the CPU cannot read with it ({error}): "
                    "leave that out with --no-pipeline"
                ) from error
            finally:
                process.close()
        return path

    def close(self) -> None:
        """End the process that holds it."""
        self._process.close()

    def _arrays(self, batch: int, variant: int) -> Iterator[tuple[str, NDArray[Any]]]:
        if self.reads_digits:
            (name, *_), *_ = self._inputs
            yield name, _glyphs(batch, variant * batch)
            return
        random = np.random.default_rng(variant)
        for name, kind, shape in self._inputs:
            try:
                yield name, made_up(kind, self._sizes(shape, name, batch), random)
            except ValueError as error:
                raise UsageError(f"{self.path}: the input {name} {error}") from error
            except MemoryError as error:
                raise UsageError(
                    f"{self.path}: the input {name} does not fit into memory: "
                    "give a smaller --batch or --dim"
                ) from error

    def _sizes(self, shape: Sequence[Any], name: str, batch: int) -> list[int]:
        sizes = []
        for index, size in enumerate(shape):
            symbol = _symbol(name, index, size)
            if symbol is None:
                sizes.append(int(size))
            elif symbol in self._given:
                sizes.append(self._given[symbol])
            elif index == 0:
                sizes.append(batch)
            else:
                raise UsageError(
                    f"{self.path}: dimension {index} of the input {name} has no size: "
                    f"set it with --dim {symbol}=SIZE"
                )
        if 0 in sizes:
            raise UsageError(f"{self.path}: the input {name} has a dimension of size 0: no batch")
        return sizes

    def _symbols(self) -> Iterator[tuple[str, int]]:
        for name, _, shape in self._inputs:
            for index, size in enumerate(shape):
                if (symbol := _symbol(name, index, size)) is not None:
                    yield symbol, index


def _symbol(name: str, index: int, size: object) -> str | None:
    """Name a dimension without a size; one without a name is `INPUT.INDEX`."""
    if isinstance(size, int) and size >= 0:
        return None
    return size if isinstance(size, str) and size else f"{name}.{index}"


def made_up(kind: str, shape: list[int], random: np.random.Generator) -> NDArray[Any]:
    """Make an input of a type such as `tensor(float)`: floats 0…1, or the integers 0 and 1.

    Raises:
        ValueError: the type is no tensor of numbers or truth values.
    """
    if kind not in TYPES:
        raise ValueError(f"is a {kind}, which cannot be made up")
    dtype = np.dtype(TYPES[kind])
    if dtype.kind == "f":
        return random.random(shape).astype(dtype)
    return random.integers(0, 2, shape).astype(dtype)


def _glyphs(count: int, first: int) -> NDArray[np.float32]:
    """Give digits of the test card, from one on: float32 `[count, 1, 32, 32]`."""
    tiles = test_card.tiles().reshape(-1, test_card.TILE, test_card.TILE)
    images = np.stack([mnist_format.mnist_image(tile) for tile in tiles])
    glyphs = mnist_format.glyph(images)[:, np.newaxis]
    return glyphs[np.arange(first, first + count) % len(glyphs)]
