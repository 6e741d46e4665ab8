"""A model loaded by onnxruntime, checked against its own contract."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from digitlens import model_file, pick, providers
from digitlens.bench import worker
from digitlens.contract import INPUT, LOGITS, METADATA_KEY, PROBABILITIES, Contract
from digitlens.errors import ModelError


class Session:
    """Glyphs in, activations out.

    Args:
        model: an ONNX file, its bytes, or None for the packaged model.
        provider: a short name such as `cpu`, or `auto` for what `digitlens bench --pick` found;
            see `digitlens.providers`. No other takes its place where it cannot run.
        threads: within one operator; None for those of `auto`, else for one, which is as fast
            for a few digits as many. None of them spins between frames.
        check_weights: hold the weights to the digest in the contract; a proof compares what they
            give, and can name what differs.

    Attributes:
        contract: what the model says about itself.
        placement: how many nodes each provider runs.

    Raises:
        NotFoundError: no such file, or the provider is not installed, or nothing was picked.
        UsageError: there is no such provider.
        ModelError: the file is no model, has no contract or does not keep it, or no node of it
            runs on the provider.
    """

    contract: Contract
    placement: dict[str, int]

    def __init__(
        self,
        model: Path | str | bytes | None = None,
        *,
        provider: str = providers.DEFAULT,
        threads: int | None = None,
        check_weights: bool = True,
    ) -> None:
        if provider == providers.AUTO:
            picked = pick.load()
            provider, threads = picked.provider, threads or picked.threads
        wanted = providers.full_name(provider)
        name = (
            "the model"
            if isinstance(model, bytes)
            else str(model_file.PACKAGED if model is None else model)
        )
        try:
            if isinstance(model, bytes):
                model_file.check(model)
                content = model
            else:
                content = model_file.read(Path(name))
            self._session = _load(content, wanted, threads or 1)
            self.contract = _contract(self._session)
            found = model_file.weights_sha256(content)
            if check_weights and self.contract.weights_sha256 != found:
                raise ModelError(
                    "its weights are not those that its contract was made for (weights_sha256): "
                    "export it again"
                )
            placed = worker.placement(self._session)
            if not placed.get(wanted):
                raise ModelError(f"{wanted} runs no node, but {placed}: choose another provider")
            self.placement = {providers.short_name(full): n for full, n in placed.items()}
        except UnicodeDecodeError as error:  # of names and metadata, when they are asked for
            raise ModelError(f"{name}: its text is not UTF-8 ({error}): export it again") from error
        except ModelError as error:
            raise ModelError(f"{name}: {error}") from error.__cause__

    def run(
        self, glyphs: NDArray[np.float32], outputs: Sequence[str] | None = None
    ) -> dict[str, NDArray[np.float32]]:
        """Run the network.

        Args:
            glyphs: float32 `[n, 32, 32]`, 0…1, ink 1 on paper 0.
            outputs: which to compute; None for all.

        Returns:
            By name, float32 with `n` first: `logits [n, 10]`, `probabilities [n, 10]`, and each
            tap in the shape that the contract gives, such as `conv1 [n, 6, 28, 28]`.

        Raises:
            ModelError: onnxruntime cannot run it after all.
        """
        names = list(self.outputs if outputs is None else outputs)
        if not names:  # onnxruntime would compute all
            return {}
        image = glyphs[:, np.newaxis].astype(np.float32, copy=False)
        try:
            found = self._session.run(names, {self.contract.input["name"]: image})
        # onnxruntime's errors share no base class but Exception.
        except Exception as error:
            raise ModelError(
                f"onnxruntime cannot run the model ({' '.join(str(error).split())}): "
                "make it with 'digitlens export'"
            ) from error
        return dict(zip(names, found, strict=True))

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of what the model gives: logits, probabilities, then the taps."""
        return (LOGITS, PROBABILITIES, *(tap.name for tap in self.contract.taps))


def _load(content: bytes, provider: str, threads: int) -> ort.InferenceSession:
    try:
        return worker.open_session(content, provider, threads)
    # onnxruntime's errors share no base class but Exception.
    except Exception as error:
        reason = " ".join(str(error).split())
        raise ModelError(
            f"onnxruntime cannot load it ({reason}): make the model with 'digitlens export'"
        ) from error


def _contract(session: ort.InferenceSession) -> Contract:
    text = session.get_modelmeta().custom_metadata_map.get(METADATA_KEY)
    if text is None:
        raise ModelError(
            f"it has no contract (metadata property {METADATA_KEY!r}): "
            "make the model with 'digitlens export'"
        )
    contract = Contract.from_json(text)
    if contract.input["shape"] != INPUT["shape"]:
        raise ModelError(
            f"its contract has an input of {contract.input['shape']}, glyphs are {INPUT['shape']}: "
            "give it a network that takes them"
        )
    count = len(contract.labels)
    promised = {tap.name: tap.shape for tap in contract.taps}
    promised |= {LOGITS: (count,), PROBABILITIES: (count,)}
    found, inputs = _shapes(session.get_outputs()), _shapes(session.get_inputs())
    if len(session.get_inputs()) > 1:
        names = [value.name for value in session.get_inputs()]
        raise ModelError(f"it has the inputs {', '.join(names)}: give it one, of glyphs")
    for what, expected, there in (
        ("input", {contract.input["name"]: tuple(contract.input["shape"])}, inputs),
        ("output", promised, found),
    ):
        for name, shape in expected.items():
            if there.get(name) != shape:
                raise ModelError(
                    f"its {what} {name} has shape {there.get(name)}, the contract says {shape}: "
                    "export it again"
                )
    return contract


def _shapes(values: list[ort.NodeArg]) -> dict[str, tuple[int, ...]]:
    """Give the shapes, without the batch, of those that are float32 and take any batch."""
    return {
        value.name: tuple(value.shape[1:])
        for value in values
        if value.type == "tensor(float)" and value.shape and not isinstance(value.shape[0], int)
    }
