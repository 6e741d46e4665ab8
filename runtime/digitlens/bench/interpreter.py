"""A Python whose onnxruntime is measured: this one, or that of another environment."""

import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from digitlens import providers
from digitlens.bench.process import WORKER, Process, WorkerError
from digitlens.bench.row import FAILED, NO_DEVICE, NOT_INSTALLED
from digitlens.bench.worker import AZURE, CPU
from digitlens.errors import NotFoundError


@dataclass(frozen=True, slots=True)
class Offer:
    """A provider that is here, or the reason why it is not.

    Attributes:
        provider: its full name.
        device: the kind of device of a plugin provider, else "".
        status, reason: why it cannot be measured, else "".
    """

    provider: str
    device: str = ""
    status: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python, and what the worker says of it.

    Attributes:
        path: of the interpreter; "" for this one.
        found: versions, providers, plugins and devices, see `digitlens.bench.worker`.
        error, status: why no worker runs there, else "".
    """

    path: str = ""
    found: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    status: str = ""

    @property
    def engine(self) -> str:
        """What runs models there."""
        return f"onnxruntime {self.found['onnxruntime']}" if self.found else ""

    @property
    def command(self) -> list[str]:
        """Start a worker there."""
        return [self.path or sys.executable, str(WORKER)]

    @property
    def known(self) -> list[str]:
        """Full names of the providers that it knows, available or not."""
        return [*self.found["known"], *self._plugin_providers] if self.found else []

    @property
    def _plugin_providers(self) -> list[str]:
        return [full for plugin in self.found["plugins"] for full in plugin["providers"]]

    def offers(self, wanted: tuple[str, ...] = ()) -> Iterator[Offer]:
        """List the providers of these full names, or all, but Azure's, that run nodes here."""
        if self.error:
            for provider in wanted or ("",):
                yield Offer(provider, status=self.status, reason=self.error)
            return
        for provider in wanted or self._all():
            yield from self._offers_of(provider)

    def _all(self) -> list[str]:
        names = dict.fromkeys([*self.found["available"], *self._plugin_providers])
        return sorted((name for name in names if name != AZURE), key=_usual_order)

    def _offers_of(self, provider: str) -> Iterator[Offer]:
        if provider in self.found["available"]:
            yield Offer(provider)
            return
        devices = [kind for name, kind in self.found["devices"] if name == provider]
        for kind in dict.fromkeys(devices):
            yield Offer(provider, device=kind)
        if devices:
            return
        for plugin in self.found["plugins"]:
            if provider in plugin["providers"]:
                error = plugin["error"]
                reason = f"{plugin['package']} is registered, but offers no device on this machine"
                yield Offer(provider, status=FAILED if error else NO_DEVICE, reason=error or reason)
                return
        yield Offer(provider, status=NOT_INSTALLED, reason=providers.remedy(provider))


_FOUND = ("python", "numpy", "onnxruntime", "build", "known", "available", "plugins", "devices")
"""What a worker says of its Python."""


def look(path: Path | None, folder: Path, timeout: float) -> Interpreter:
    """Find out what a Python has, this one's where `path` is None.

    Raises:
        NotFoundError: there is no such file.
    """
    name = _executable(path) if path else ""
    try:
        started = Process([name or sys.executable, str(WORKER)], folder, timeout=timeout)
        with contextlib.closing(started) as process:
            found = process.ask("look")
        if lacking := [field for field in _FOUND if field not in found]:
            raise WorkerError(f"it is no Python: its answer has no {lacking[0]}")
        return Interpreter(name, found)
    except WorkerError as error:
        reason, status = str(error), FAILED
        if error.missing:
            package = error.missing.partition(".")[0]
            reason = f"{package} is missing there: {name} -m pip install {package}"
            status = NOT_INSTALLED if package == "onnxruntime" else FAILED
        return Interpreter(name, error=reason, status=status)


def _executable(path: Path) -> str:
    """Give the absolute path of an interpreter, or of the one in an environment's folder."""
    inner = "Scripts/python.exe" if os.name == "nt" else "bin/python"
    found = path / inner if path.is_dir() else path
    if not found.is_file() or not os.access(found, os.X_OK):
        raise NotFoundError(
            f"no Python at {path}: give the path of an interpreter, such as .venv/{inner}"
        )
    return str(found.absolute())  # resolving the link would leave the environment


def _usual_order(provider: str) -> tuple[bool, str]:
    return provider != CPU, provider
