"""The packaged model on all of MNIST's validation images."""

import json
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
import torch

from command import Digitlens
from digitlens.contract import Contract
from digitlens.model_file import PACKAGED, weights_sha256
from digitlens.session import Session
from digitlens_export import graph
from digitlens_train.calibration import calibration_error
from digitlens_train.mnist import Mnist, glyphs
from digitlens_train.recipe import RECIPES
from digitlens_train.run import Run
from digitlens_train.trainer import predict

RUN = Run(PACKAGED.with_suffix(""))


def test_its_run_is_the_recipe_photo_on_all_of_mnist_and_names_no_path() -> None:
    config, metrics = RUN.read_config(), RUN.read_metrics()
    assert config["recipe"] == asdict(RECIPES["photo"])
    images = [config[f"{name}_images"] for name in ("train", "held_out", "valid")]
    assert images == [55_000, 5_000, 10_000]
    assert (config["data"], config["seed"], config["trial"]) == (None, 0, False)
    assert len(metrics["epochs"]) == RECIPES["photo"].epochs
    assert metrics["valid_accuracy"] >= 0.995
    assert metrics["calibration_error"] <= 0.005
    assert RUN.is_finished


def test_the_file_is_what_the_exporter_makes_of_its_run() -> None:
    contract = Contract.from_json(onnx.load(PACKAGED).metadata_props[0].value)
    rebuilt = graph.build(RUN.load_model())
    assert contract.weights_sha256 == weights_sha256(rebuilt.SerializeToString())
    assert graph.with_contract(rebuilt, contract) == PACKAGED.read_bytes()
    assert contract.proof is not None
    assert contract.proof["passed"]
    assert contract.proof["samples"] == 10_000


@pytest.mark.full_mnist
def test_it_is_proven_on_all_validation_images(digitlens: Digitlens, full_mnist: Mnist) -> None:
    arguments = ["--against", RUN.folder, "--data", full_mnist.folder, "--format", "json"]
    result = digitlens("verify", PACKAGED, *arguments)
    assert result.status == 0, result.err
    proof = json.loads(result.out)
    assert proof["samples"] == 10_000
    assert proof["label_agreement"] == 1
    assert proof["accuracy"]["torch"] == proof["accuracy"]["onnx"]
    assert proof["accuracy"]["torch"] == pytest.approx(RUN.read_metrics()["valid_accuracy"])


@pytest.mark.full_mnist
@pytest.mark.parametrize("inverted", [False, True])
def test_all_validation_images_as_files_are_read_as_pytorch_reads_them(
    digitlens: Digitlens, full_mnist: Mnist, tmp_path: Path, inverted: bool
) -> None:
    for number, image in enumerate(full_mnist.valid.images.numpy()):
        cv2.imwrite(str(tmp_path / f"{number}.png"), 255 - image if inverted else image)
    result = digitlens("classify", tmp_path, "--format", "json")
    assert result.status == 0, result.err
    readings = [json.loads(line) for line in result.out.splitlines()]
    labels = np.array([[digit["label"] for digit in reading["digits"]] for reading in readings])
    expected = predict(RUN.load_model(), glyphs(full_mnist.valid.images)).argmax(1)
    assert np.array_equal(labels[:, 0], expected)


@pytest.mark.full_mnist
def test_its_confidence_is_calibrated(full_mnist: Mnist) -> None:
    """Through the model file: of the digits given 0.9, nine in ten are right."""
    images = glyphs(full_mnist.valid.images)[:, 0].numpy()
    session = Session(PACKAGED)
    outputs = [session.run(part)["probabilities"] for part in np.split(images, 40)]
    probabilities = torch.from_numpy(np.concatenate(outputs))
    error = calibration_error(probabilities, full_mnist.valid.labels)
    assert error <= 0.005
    assert error == pytest.approx(RUN.read_metrics()["calibration_error"], abs=1e-5)
