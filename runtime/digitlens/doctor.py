"""What this device has, and what is wrong with it."""

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import digitlens
from digitlens import libraries
from digitlens.contract import GLYPH_SIZE, Contract
from digitlens.errors import DigitlensError, ModelError, NotFoundError
from digitlens.libraries import Problem


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The state of a device.

    `cameras` are the numbers of those that deliver frames; `model` is the contract and the proof
    in short, None where the model cannot be used.
    """

    versions: dict[str, str]
    processor: dict[str, Any]
    providers: tuple[str, ...]
    cameras: list[int]
    window: bool
    model: dict[str, Any] | None
    problems: list[Problem]

    @property
    def ok(self) -> bool:
        """Whether digits can be read, and relied on; that needs no camera and no screen."""
        return not any(problem.is_fatal for problem in self.problems)

    def to_dict(self) -> dict[str, Any]:
        """Give what `digitlens doctor --format json` prints."""
        return {"ok": self.ok, **asdict(self)}


def examine(model: Path | None = None) -> Diagnosis:
    """Look at this device, and try the model at `model`, else the packaged one.

    Where a library cannot be loaded, that is all there is to say.

    Raises:
        NotFoundError: there is no file at `model`.
    """
    problems = [*libraries.rivals(), *libraries.outdated()]
    if broken := libraries.unloadable():
        versions = _versions(
            numpy=libraries.installed_version("numpy"),
            onnxruntime=libraries.installed_version("onnxruntime"),
            opencv=libraries.installed_version("cv2"),
        )
        return Diagnosis(versions, _processor(), (), [], False, None, problems + broken)
    return _examine(model, problems)


def _examine(model: Path | None, problems: list[Problem]) -> Diagnosis:
    import cv2
    import numpy as np
    import onnxruntime

    from digitlens import capture, model_file, providers, window

    idle = providers.idle_plugins()
    way_out = "use another provider, or uninstall the package"
    problems += [Problem(f"{name} is installed, but {why}", way_out, False) for name, why in idle]
    cameras = capture.answering_cameras()
    if not cameras:
        way_out = "connect one, or try the test card: digitlens camera test:"
        problems.append(Problem("no camera answers", way_out, False))
    if reason := window.problem():
        way_out = "log in to a desktop, or work without: classify, maps, camera --no-window"
        problems.append(Problem(f"no window can be opened: {reason}", way_out, False))
    found = None
    try:
        found = _model(model or model_file.PACKAGED)
    except NotFoundError:
        raise
    except DigitlensError as error:
        what, _, way_out = str(error).rpartition(": ")
        problems.append(Problem(what or str(error), way_out, True))
    else:
        problems += _proof_problems(found["proof"])
    return Diagnosis(
        versions=_versions(
            numpy=np.__version__, onnxruntime=onnxruntime.__version__, opencv=cv2.__version__
        ),
        processor=_processor(),
        providers=providers.available(),
        cameras=cameras,
        window=reason is None,
        model=found,
        problems=problems,
    )


def _versions(**others: str) -> dict[str, str]:
    return {"digitlens": digitlens.__version__, "python": platform.python_version(), **others}


def _processor() -> dict[str, Any]:
    return {
        "machine": platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
        "cores": os.cpu_count(),
    }


def _model(path: Path) -> dict[str, Any]:
    import numpy as np

    from digitlens.session import Session

    session = Session(path)
    session.run(np.zeros((1, GLYPH_SIZE, GLYPH_SIZE), np.float32))
    contract = session.contract
    return {
        "file": str(path),
        "size": path.stat().st_size,
        "taps": [tap.name for tap in contract.taps],
        "training": _known(contract, ("dataset", "train_images", "recipe", "epochs", "seed")),
        "valid_accuracy": _number(contract.training.get("valid_accuracy")),
        "weights_sha256": contract.weights_sha256,
        "proof": _proof(contract.proof),
        "placement": session.placement,
    }


def _known(contract: Contract, names: Sequence[str]) -> dict[str, Any]:
    return {name: contract.training.get(name) for name in names}


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _proof(proof: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if proof is None:
        return None
    try:
        worst = max(float(output["max_abs"]) for output in proof["outputs"])
        return {"passed": bool(proof["passed"]), "samples": int(proof["samples"]), "max_abs": worst}
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError("its proof cannot be read: export it again") from error


def _proof_problems(proof: Mapping[str, Any] | None) -> list[Problem]:
    if proof is None:
        what = "the model carries no proof that it does what PyTorch does"
    elif not proof["passed"]:
        what = "the model's proof says that it does not do what PyTorch does"
    else:
        return []
    return [Problem(what, "export it again with 'digitlens export'", True)]
