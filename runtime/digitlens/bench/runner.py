"""The benchmark itself: every row in a process of its own, those of a comparison in turns."""

import contextlib
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitlens import mnist
from digitlens.bench import environment, plan
from digitlens.bench.entrant import ROUNDS, Entrant
from digitlens.bench.environment import Moment
from digitlens.bench.interpreter import Interpreter, look
from digitlens.bench.model import Model
from digitlens.bench.process import OWN_WORKER, Process
from digitlens.bench.report import Report
from digitlens.bench.row import FAILED, OK, PIPELINE, Row
from digitlens.bench.settings import Settings
from digitlens.bench.words import work
from digitlens.errors import ModelError
from digitlens.vision import mnist_format

Progress = Callable[[str, float], None]
"""Told what was just done, and what part of all work that was: 0…1."""


def run(settings: Settings, progress: Progress) -> Report:
    """Measure.

    Raises:
        NotFoundError: no such model, interpreter or data folder.
        ModelError: the CPU cannot run a model, which is what all others are held to.
        UsageError: a provider is misspelt, or an input has no size.
        DataError: a file of MNIST is damaged.
    """
    with contextlib.ExitStack() as stack:
        name = stack.enter_context(tempfile.TemporaryDirectory(prefix="digitlens-bench-"))
        return _Run(settings, Path(name), progress, stack).report()


class _Run:
    """One benchmark; what it opens is closed with `stack`."""

    def __init__(
        self, settings: Settings, folder: Path, progress: Progress, stack: contextlib.ExitStack
    ) -> None:
        self._settings, self._folder, self._progress = settings, folder, progress
        self._stack, self._timeout = stack, settings.timeout
        self._images, self._data = 0, None
        if (found := mnist.validation(settings.data)) is not None:
            images, labels = (each[: settings.images] for each in found)
            self._images, self._data = len(images), self._save(images, labels)
        looks = [look(path, folder, settings.timeout) for path in (None, *settings.environments)]
        self._interpreters = {found.path: found for found in looks}
        self._models = {path: self._model(path) for path in dict.fromkeys(settings.models)}
        self._rows = plan.rows(
            settings, list(self._models.values()), list(self._interpreters.values())
        )

    def report(self) -> Report:
        """Measure all rows."""
        self._prepare_expected()
        before = environment.now()
        ceilings = self._ceilings()
        self._measure()
        after = environment.now()
        for threads, rate in self._ceilings().items():
            ceilings[threads] = max(ceilings[threads], rate)
        self._hold_to(ceilings)
        return Report(self._environment(before, after, ceilings), self._rows)

    def _hold_to(self, ceilings: dict[int, float]) -> None:
        """Say which share of the floating-point ceiling rows reach that work all the time."""
        for row in self._rows:
            flop, rate = self._models[row.case.model].flop, row.throughput_per_s
            if row.case.kind != PIPELINE and row.case.pace is None and flop and rate:
                row.of_limit = rate * flop / ceilings[row.case.threads]

    def _measure(self) -> None:
        groups = plan.comparisons([row for row in self._rows if row.status == OK])
        lengths = [len(group) * self._length(group[0]) for group in groups]
        done = 0.0
        for group, length in zip(groups, lengths, strict=True):
            for part in self._compare(group):
                self._progress(work(group[0]), (done + part * length) / sum(lengths))
            done += length

    def _compare(self, group: Sequence[Row]) -> Iterator[float]:
        """Measure rows in turns, round by round; give the part that is done, 0…1."""
        entrants = [self._entrant(row) for row in group]
        for entrant in entrants:
            self._stack.callback(entrant.close)
            entrant.prepare()
        yield 0.2
        for number in range(ROUNDS):
            turn = number % len(entrants)
            for entrant in entrants[turn:] + entrants[:turn]:
                entrant.measure()
            yield 0.2 + 0.7 * (number + 1) / ROUNDS
        for entrant in entrants:
            entrant.finish(self._data)
        yield 1.0

    def _prepare_expected(self) -> None:
        """Let the CPU compute what rows are held to, before anything is measured."""
        for path, model in self._models.items():
            rows = [row for row in self._rows if row.case.model == path and row.status == OK]
            readers = [row for row in rows if row.case.kind == PIPELINE]
            if readers:
                _prepare_readings(model, readers)
            for batch in dict.fromkeys(row.case.batch for row in rows if row not in readers):
                for variant in model.variants(batch):
                    model.expected(batch, variant)
            model.close()

    def _entrant(self, row: Row) -> Entrant:
        model, found = self._models[row.case.model], self._interpreters[row.case.python]
        return Entrant(row, model, found, self._settings, self._folder)

    def _model(self, path: Path) -> Model:
        model = Model(path, self._folder, self._settings.dims, self._settings.timeout)
        self._stack.callback(model.close)
        return model

    def _save(self, images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> Path:
        """Write the validation images and their glyphs where workers can read them."""
        path = self._folder / "validation.npz"
        glyphs = mnist_format.glyph(images)[:, np.newaxis]
        np.savez(path, images=images, labels=labels, glyphs=glyphs)
        return path

    def _ceilings(self) -> dict[int, float]:
        """Measure the floating-point ceiling for every number of threads."""
        found = {}
        if any(model.flop for model in self._models.values()):
            for threads in sorted({row.case.threads for row in self._rows}):
                with contextlib.closing(
                    Process(OWN_WORKER, self._folder, threads=threads, timeout=self._timeout)
                ) as process:
                    found[threads] = process.ask("ceiling", 1)["flop_per_s"]
        return found

    def _length(self, row: Row) -> float:
        """Estimate the seconds that a row takes."""
        lasts = self._settings.seconds
        if row.case.pace:
            return 1 + max(lasts, self._settings.queries / row.case.pace)
        return 2 + 1.5 * lasts

    def _environment(
        self, before: Moment, after: Moment, ceilings: dict[int, float]
    ) -> dict[str, Any]:
        """Describe where, with what and how was measured."""
        described, models = environment.describe(), list(self._models.values())
        return described | {
            "load_before": before.load,
            "load_after": after.load,
            "others_cores": environment.others(before, after),
            "warnings": environment.warnings(described, before, after),
            "ceiling_flop_per_s": {str(count): rate for count, rate in ceilings.items()},
            "interpreters": [_described_interpreter(each) for each in self._interpreters.values()],
            "models": [_described_model(model) for model in models],
            "accuracy_images": self._images,
            "left_out": plan.left_out(self._settings, models),
            "settings": self._described_settings(),
        }

    def _described_settings(self) -> dict[str, Any]:
        given = asdict(self._settings) | {"rounds": ROUNDS}
        return json.loads(json.dumps(given, default=str))  # type: ignore[no-any-return]


def _prepare_readings(model: Model, rows: Sequence[Row]) -> None:
    """Let the CPU read; where it cannot, the network alone may still be measured."""
    try:
        model.readings()
    except ModelError as error:
        for row in rows:
            row.status, row.reason = FAILED, str(error)


def _described_interpreter(found: Interpreter) -> dict[str, Any]:
    return {"path": found.path or None, "error": found.error or None, **found.found}


def _described_model(model: Model) -> dict[str, Any]:
    return {
        "file": str(model.path),
        "sha256": model.sha256,
        "bytes": model.size,
        "precision": model.precision,
        "has_contract": model.contract is not None,
        "flop_per_image": model.flop,
    }
