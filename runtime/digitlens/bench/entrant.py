"""A row while it is measured: its process, and what has been found so far."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from digitlens import mnist
from digitlens.bench import peers, process
from digitlens.bench.interpreter import Interpreter
from digitlens.bench.latency import Latency
from digitlens.bench.model import Model
from digitlens.bench.process import Process, WorkerError
from digitlens.bench.row import (
    FAILED,
    NETWORK,
    OK,
    PEER,
    PIPELINE,
    PLAIN,
    WRONG_PLACEMENT,
    WRONG_RESULT,
    Row,
)
from digitlens.bench.settings import Settings
from digitlens.bench.worker import WARM_UP_LIMIT_S, WINDOW_QUERIES
from digitlens.contract import PROBABILITIES

ROUNDS = 5
EXTRA = 4
"""What is measured besides `plain` gets this part of its queries and time."""


class _RowError(Exception):
    """What makes a row anything but ok."""

    def __init__(self, status: str, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Entrant:
    """Measures one row; a failure ends up in the row, and what is asked later does nothing."""

    def __init__(
        self, row: Row, model: Model, interpreter: Interpreter, settings: Settings, folder: Path
    ) -> None:
        self.row, self.model = row, model
        self._interpreter, self._settings, self._folder = interpreter, settings, folder
        self._process: Process | None = None
        self._calls: list[str] = []
        self._call_s: dict[str, float] = {}

    def prepare(self) -> None:
        """Open the model, hold placement and outputs to what they should be, and warm up.

        Raises:
            ModelError, UsageError: the CPU does not give what outputs are held to.
        """
        self._attempt(self._prepare)

    def measure(self) -> None:
        """Measure one of `ROUNDS` rounds."""
        self._attempt(self._measure)

    def finish(self, data: Path | None) -> None:
        """Read the validation images, and end the process.

        Args:
            data: an .npz file with their `images`, `glyphs` and `labels`, or None.
        """
        self._attempt(lambda: self._finish(data))
        self.close()

    def close(self) -> None:
        """End the process."""
        if self._process:
            self._process.close()
            self._process = None

    def _attempt(self, step: Callable[[], None]) -> None:
        if self.row.status != OK:
            return
        try:
            step()
        except (WorkerError, _RowError) as error:
            self.row.status = error.status if isinstance(error, _RowError) else FAILED
            self.row.reason = str(error)
            self.close()

    def _prepare(self) -> None:
        case, row = self.row.case, self.row
        opened = self._open()
        row.load_ms, row.memory_mb = opened["load_ms"], {"empty": opened["empty_mb"]}
        if case.kind != PEER:
            self._check_placement(opened["placement"])
        inputs = str(self.model.inputs(case.batch))
        row.first_us = self._ask("feed", path=inputs)["first_us"]
        self._check_results()
        calls = self._ask("feed", path=inputs)["calls"]
        self._calls = [PLAIN] if case.pace else calls
        lasts = WARM_UP_LIMIT_S + WINDOW_QUERIES * row.first_us / 1e6
        settled = {call: self._ask("warm_up", lasts, call=call) for call in self._calls}
        row.is_stable = all(each["stable"] for each in settled.values())
        self._call_s = {call: each["median_us"] / 1e6 for call, each in settled.items()}
        row.memory_mb |= self._ask("memory")  # before the times of many calls fill it

    def _measure(self) -> None:
        rate = self.row.case.pace
        for call in self._calls:
            part = ROUNDS * (1 if call == PLAIN else EXTRA)
            queries, seconds = -(-self._settings.queries // part), self._settings.seconds / part
            lasts = max(seconds, queries * max(1 / rate if rate else 0, self._call_s[call]))
            found = self._ask(
                "measure", lasts, call=call, queries=queries, seconds=seconds, rate=rate
            )
            self.row.latency.setdefault(call, Latency()).add(**found)

    def _finish(self, data: Path | None) -> None:
        row = self.row
        if data and self.model.reads_digits:
            calls = -(-(self._settings.images or mnist.VALID_IMAGES) // row.case.batch)
            lasts = calls * self._call_s[PLAIN]
            found = self._ask("accuracy", lasts, path=str(data), batch=row.case.batch)
            row.accuracy = found["accuracy"]

    def _open(self) -> dict[str, Any]:
        case = self.row.case
        commands = {NETWORK: self._interpreter.command, PIPELINE: process.PIPELINE}
        model = case.model.resolve()
        self._process = Process(
            commands.get(case.kind) or peers.command(case.provider),
            self._folder,
            threads=case.threads,
            timeout=self._settings.timeout,
        )
        return self._ask(
            "open",
            model=str(model),
            files=peers.files(case.provider, model, self._settings.run),
            provider=case.provider,
            device=case.device or None,
            threads=case.threads,
            outputs=self.model.plain_outputs,
        )

    def _ask(self, do: str, lasts: float = 0, /, **request: Any) -> dict[str, Any]:  # noqa: ANN401
        assert self._process is not None
        return self._process.ask(do, lasts, **request)

    def _check_placement(self, placement: dict[str, int] | None) -> None:
        if placement is None:
            raise _RowError(
                FAILED,
                f"{self.row.engine} keeps no record of placement: 1.24 or newer is needed there",
            )
        self.row.placement = placement
        provider = self.row.case.provider
        if not placement.get(provider):
            ran = " and ".join(f"{name} {count}" for name, count in placement.items())
            raise _RowError(WRONG_PLACEMENT, f"{provider} ran no node; {ran or 'nobody'} did")

    def _check_results(self) -> None:
        case, model = self.row.case, self.model
        names = [PROBABILITIES] if case.kind == PEER else None
        for variant in [0] if case.kind == PIPELINE else model.variants(case.batch):
            inputs, expected = model.inputs(case.batch, variant), self._expected(variant)
            found = self._ask("check", inputs=str(inputs), expected=str(expected), names=names)
            self._check(found["output"], found["max_error"])

    def _expected(self, variant: int) -> Path:
        case = self.row.case
        if case.kind == PIPELINE:
            return self.model.readings()
        return self.model.expected(case.batch, variant)

    def _check(self, output: str, error: float) -> None:
        self.row.max_error = max(self.row.max_error or 0.0, error)
        if not error <= self._settings.tolerance:
            raise _RowError(
                WRONG_RESULT,
                f"{output} differs from the CPU's by {error:.2g}, "
                f"more than the {self._settings.tolerance:g} of --tolerance",
            )
