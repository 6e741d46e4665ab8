"""The worker that measures the network in other engines; see `digitlens.bench.peers`."""

import importlib
import sys
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from digitlens.bench.worker import Answer, serve
from digitlens.contract import PROBABILITIES


class Engine:
    """An engine that gives probabilities for glyphs; the request has `files` and `threads`.

    Subclasses say how, in `probabilities`.
    """

    def __init__(self, files: list[str], threads: int) -> None:
        raise NotImplementedError

    def probabilities(self, glyphs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Give float32 `[n, 10]` for float32 `[n, 1, 32, 32]`."""
        raise NotImplementedError

    def describe(self) -> Answer:
        """There is no record of placement."""
        return {"placement": {}}

    def feed(self, arrays: dict[str, Any]) -> None:
        """Take the glyphs of every call."""
        (self._glyphs,) = arrays.values()

    def calls(self) -> dict[str, Callable[[], object]]:
        """Give `plain`."""
        return {"plain": lambda: self.probabilities(self._glyphs)}

    def outputs(self) -> dict[str, Any]:
        """Give the probabilities."""
        return {PROBABILITIES: self.probabilities(self._glyphs)}

    def labels(self, data: dict[str, Any], batch: int) -> Any:  # noqa: ANN401
        """Classify `glyphs`, float32 `[n, 1, 32, 32]`, in batches: int64 `[n]`."""
        glyphs = data["glyphs"]
        starts = range(0, len(glyphs), batch)
        parts = [self.probabilities(glyphs[start : start + batch]) for start in starts]
        return np.concatenate(parts).argmax(1)


class OpenCv(Engine):
    """OpenCV's DNN module on the ONNX file."""

    def __init__(self, files: list[str], threads: int) -> None:
        cv2.setNumThreads(threads)
        self._net = cv2.dnn.readNetFromONNX(files[0])

    def probabilities(self, glyphs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Give float32 `[n, 10]` for float32 `[n, 1, 32, 32]`."""
        self._net.setInput(glyphs)
        return np.asarray(self._net.forward(PROBABILITIES), np.float32)


class OpenVino(Engine):
    """OpenVINO's own Python API on the ONNX file, on the CPU."""

    def __init__(self, files: list[str], threads: int) -> None:
        # OpenVINO writes to the user's home and reports its use, unless this package is missing.
        sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
        openvino = importlib.import_module("openvino")
        settings = {
            "EXECUTION_MODE_HINT": "ACCURACY",  # else it computes in bfloat16 where it can
            "INFERENCE_NUM_THREADS": threads,
            "PERFORMANCE_HINT": "LATENCY",
        }
        compiled = openvino.Core().compile_model(files[0], "CPU", settings)
        self._request = compiled.create_infer_request()
        self._output = compiled.output(PROBABILITIES)

    def probabilities(self, glyphs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Give float32 `[n, 10]` for float32 `[n, 1, 32, 32]`."""
        return np.asarray(self._request.infer([glyphs], share_inputs=True)[self._output])


class Ncnn(Engine):
    """ncnn on a converted pair of files; it takes one image a time."""

    def __init__(self, files: list[str], threads: int) -> None:
        self._ncnn = importlib.import_module("ncnn")
        self._net = self._ncnn.Net()
        self._net.opt.num_threads = threads
        if any((self._net.load_param(files[0]), self._net.load_model(files[1]))):
            raise ValueError(f"ncnn cannot load {files[0]}: convert it again")
        self._input = self._net.input_names()[0]
        self._output = self._find_output()

    def probabilities(self, glyphs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Give float32 `[n, 10]` for float32 `[n, 1, 32, 32]`."""
        return np.stack([self._extract(glyph, self._output) for glyph in glyphs])

    def _extract(self, glyph: NDArray[np.float32], output: str) -> NDArray[np.float32]:
        with self._net.create_extractor() as extractor:
            extractor.input(self._input, self._ncnn.Mat(glyph))
            return np.array(extractor.extract(output)[1])

    def _find_output(self) -> Any:  # noqa: ANN401
        blank = np.zeros((1, 32, 32), np.float32)
        return next(
            name
            for name in self._net.output_names()
            if _are_probabilities(self._extract(blank, name)[np.newaxis])
        )


ENGINES: dict[str, type[Engine]] = {
    "OpenCV DNN": OpenCv,
    "OpenVINO API": OpenVino,
    "ncnn": Ncnn,
}


def _are_probabilities(found: NDArray[np.float32]) -> bool:
    return (
        found.ndim == 2 and found.shape[1] == 10 and bool(np.allclose(found.sum(1), 1, atol=1e-3))
    )


def make(request: Answer) -> Engine:
    """Make the engine that a request names."""
    return ENGINES[request["provider"]](request["files"], request["threads"])


if __name__ == "__main__":
    serve(make)
