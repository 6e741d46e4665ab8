"""The proof must find what is really broken, so these tests really break the graph."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from breaks import BREAKS
from digitlens.contract import OUTPUTS
from digitlens.errors import ProofError
from digitlens.session import Session
from digitlens_export.proof import Comparison, Proof, prove
from digitlens_train.mnist import Mnist
from digitlens_train.run import Run


def test_a_faithful_model_is_proven(run: Run, model_file: Path, subset: Mnist) -> None:
    proof = prove(run.load_model(), Session(model_file), subset.valid)
    assert proof
    proof.check()
    assert [output.name for output in proof.outputs] == list(OUTPUTS)
    assert proof.samples == 1000
    assert proof.label_agreement == 1
    assert all(0 < output.max_abs <= 1e-5 for output in proof.outputs)
    assert proof.torch_accuracy == proof.onnx_accuracy > 0.8


@pytest.mark.parametrize(("change", "first"), BREAKS)
def test_a_broken_graph_fails_and_the_first_tensor_is_named(
    run: Run,
    model_file: Path,
    subset: Mnist,
    change: Callable[[onnx.ModelProto], None],
    first: str,
) -> None:
    model = onnx.load(model_file)
    change(model)
    session = Session(model.SerializeToString(), check_weights=False)
    proof = prove(run.load_model(), session, subset.valid.first(300))
    assert not proof
    with pytest.raises(ProofError, match=f"the proof failed: {first} is off by [0-9]"):
        proof.check()


class WrongAlone(Session):
    """A session that is wrong only where it is given a single glyph."""

    def run(
        self, glyphs: NDArray[np.float32], outputs: Sequence[str] | None = None
    ) -> dict[str, NDArray[np.float32]]:
        found = super().run(glyphs, outputs)
        if len(glyphs) == 1:
            found["pool2"] = found["pool2"] + np.float32(0.01)
        return found


def test_images_go_one_by_one_too(run: Run, model_file: Path, subset: Mnist) -> None:
    proof = prove(run.load_model(), WrongAlone(model_file), subset.valid.first(300))
    with pytest.raises(ProofError, match=r"pool2 is off by 0\.01"):
        proof.check()


def test_labels_that_differ_fail_a_proof_of_equal_numbers() -> None:
    proof = Proof(100, 0.99, (Comparison("logits"),), 0.9, 0.9)
    assert not proof
    with pytest.raises(ProofError, match=r"1\.00% of the labels differ"):
        proof.check()


def test_a_model_without_all_the_outputs_is_refused(
    run: Run, model_file: Path, subset: Mnist
) -> None:
    model = onnx.load(model_file)
    contract = json.loads(model.metadata_props[0].value)
    contract["taps"] = [tap for tap in contract["taps"] if tap["name"] != "fc1"]
    model.metadata_props[0].value = json.dumps(contract)
    with pytest.raises(ProofError, match="does not give fc1"):
        prove(run.load_model(), Session(model.SerializeToString()), subset.valid)


def test_a_comparison_says_how_much_and_where() -> None:
    comparison = Comparison("conv1")
    ours, theirs = np.ones((2, 3), np.float32), np.ones((2, 3), np.float32)
    comparison.add(0, ours, theirs)
    assert comparison
    assert comparison.max_abs == 0
    ours[1, 2] = 1.5
    comparison.add(10, ours, theirs)
    assert not comparison
    assert (comparison.max_abs, comparison.worst) == (0.5, (11, 2))
    assert comparison.max_rel == pytest.approx(1 / 3)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_never_passes(value: float) -> None:
    comparison = Comparison("fc1")
    comparison.add(0, np.array([[value]], np.float32), np.zeros((1, 1), np.float32))
    assert not comparison
    assert comparison.to_dict()["max_abs"] is None
