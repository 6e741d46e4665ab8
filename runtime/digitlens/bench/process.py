"""A worker process, as the benchmark sees it: it may crash, hang or lack what it needs."""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from digitlens.errors import DigitlensError

WORKER = Path(__file__).with_name("worker.py")
"""What measures a model in onnxruntime; needs nothing of digitlens."""

OWN_WORKER = [sys.executable, str(WORKER)]
"""Starts it in this Python."""

PIPELINE = [sys.executable, "-m", "digitlens.bench.pipeline"]
"""Starts what measures the reader."""

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS",
                     "VECLIB_MAXIMUM_THREADS")  # fmt: skip
_ROOT = Path(__file__).resolve().parent.parent.parent
"""Where digitlens is imported from."""

_LONGEST_ANSWER = 10**9
"""Bytes; the times of ten million calls take a tenth of it."""

_LAST_WORDS = 300
"""Characters that are kept of what a worker said before it died."""


class WorkerError(DigitlensError):
    """A worker that died, fell silent, or could not do what it was asked.

    Attributes:
        missing: the package that its Python lacks, where that is the reason.
    """

    def __init__(self, message: str, missing: str = "") -> None:
        super().__init__(message)
        self.missing = missing


class Process:
    """A worker that has been started; to be closed.

    Args:
        command: of the worker, from its Python on.
        folder: where it may leave files.
        threads: of the libraries that read it from the environment.
        timeout: seconds without an answer, beyond those that a request takes, after which it
            counts as hanging.
    """

    def __init__(
        self, command: Sequence[str], folder: Path, *, threads: int = 1, timeout: float = 60
    ) -> None:
        self._timeout = timeout
        self._words = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
        variables = dict.fromkeys(_THREAD_VARIABLES, str(threads))
        if command[0] == sys.executable:  # it is started in another folder
            paths = [str(_ROOT), os.environ.get("PYTHONPATH", "")]
            variables["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
        try:
            self._child = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._words,
                cwd=folder,
                env={**os.environ, **variables, "ORT_DISABLE_TELEMETRY": "1"},
                start_new_session=True,  # Ctrl-C is for the benchmark, which ends its workers
            )
        except OSError as error:
            self._words.close()
            raise WorkerError(f"{command[0]} cannot be started ({error.strerror})") from error
        self._answers: queue.Queue[bytes] = queue.Queue(maxsize=1)
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def ask(self, do: str, lasts: float = 0, /, **request: Any) -> dict[str, Any]:  # noqa: ANN401
        """Let the worker do something, see `digitlens.bench.worker.Worker`.

        Args:
            do: the name of the request.
            lasts: seconds that it takes by itself.
            request: its arguments.

        Raises:
            WorkerError: it died, hangs, or could not do it.
        """
        assert self._child.stdin is not None
        with contextlib.suppress(OSError):  # a dead one is found out below
            self._child.stdin.write(json.dumps({"do": do, **request}).encode() + b"\n")
            self._child.stdin.flush()
        try:
            line = self._answers.get(timeout=self._timeout + 2 * lasts)
        except queue.Empty:
            self._kill()
            raise WorkerError(
                f"no answer to {do!r} within {self._timeout + 2 * lasts:g} s: it hangs"
            ) from None
        try:
            answer = json.loads(line)
            error = answer.get("error")
        except (ValueError, AttributeError):
            reason = f"it answers {do!r} with {line[:60]!r}: no worker runs there"
            raise WorkerError(reason if line else self._fate(do)) from None
        if error:
            raise WorkerError(str(error), answer.get("missing") or "")
        return dict(answer)

    def close(self) -> None:
        """End the worker; a second time does nothing, for its number may be another's by then."""
        if self._words.closed:
            return
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        with contextlib.suppress(OSError):
            self._child.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._child.wait(timeout=1)
        self._kill()  # one that ended well may have left children, which hold its output open
        self._child.wait()
        end = time.monotonic() + 1
        # It may wait for somebody to take what it heard.
        while self._listener.is_alive() and time.monotonic() < end:
            with contextlib.suppress(queue.Empty):
                self._answers.get(timeout=0.01)
        self._words.close()

    def _kill(self) -> None:
        """Kill the worker with its children: an interpreter may be a script that starts one."""
        if os.name == "nt":
            self._child.kill()
            return
        with contextlib.suppress(OSError):
            os.killpg(self._child.pid, signal.SIGKILL)

    def _listen(self) -> None:
        assert self._child.stdout is not None
        with self._child.stdout as answers:
            while line := answers.readline(_LONGEST_ANSWER):
                self._answers.put(line)
        self._answers.put(b"")

    def _fate(self, do: str) -> str:
        """Say how the worker died, and its last words."""
        try:
            status = self._child.wait(timeout=1)
        except subprocess.TimeoutExpired:
            return f"it gave no answer to {do!r}"
        how = f"ended with status {status}"
        if status < 0:
            names = {each.value: each.name for each in signal.Signals}  # not all have one
            how = f"was ended by {names.get(-status, f'signal {-status}')}"
        self._words.seek(0)
        words = self._words.read().decode(errors="replace").split("\n")
        last = next((line.strip() for line in reversed(words) if line.strip()), "")
        return f"the worker {how} at {do!r}" + (f": {last[-_LAST_WORDS:]}" if last else "")
