import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from digitlens.bench import peers
from digitlens.bench.model import Model
from digitlens.bench.peers import PEERS, Peer
from digitlens.bench.process import Process
from digitlens.model_file import PACKAGED

CONVERTED = Peer("Some engine", "numpy", "numpy", conversion=(".a", ".b"), way_out="convert it")


def test_opencv_gives_what_onnxruntime_gives(tmp_path: Path) -> None:
    name = "OpenCV DNN"
    files = peers.files(name, PACKAGED, None)
    with (
        closing(Model(PACKAGED, tmp_path, {})) as model,
        closing(Process(peers.command(name), tmp_path)) as process,
    ):
        opened = process.ask("open", provider=name, files=files, threads=1)
        assert opened["placement"] == {}
        assert process.ask("feed", path=str(model.inputs(4)))["calls"] == ["plain"]
        files = {"inputs": str(model.inputs(4)), "expected": str(model.expected(4))}
        assert process.ask("check", **files, names=["probabilities"])["max_error"] < 1e-4
        with np.load(model.expected(7)) as expected, np.load(model.inputs(7)) as inputs:
            labels, glyphs = expected["probabilities"].argmax(1), inputs["image"]
        np.savez(tmp_path / "data.npz", glyphs=glyphs, images=glyphs, labels=labels)
        data = str(tmp_path / "data.npz")
        for batch in (1, 3, 7, 20):
            assert process.ask("accuracy", path=data, batch=batch)["accuracy"] == 1


def test_all_files_of_a_conversion_are_needed(tmp_path: Path) -> None:
    model = tmp_path / "m.onnx"
    for ending in CONVERTED.conversion:
        missing = tmp_path / f"m{ending}"
        assert peers.lack(CONVERTED, model, None) == f"there is no {missing}: convert it"
        missing.touch()
    assert peers.lack(CONVERTED, model, None) == ""


def test_the_run_of_a_model_is_the_one_that_is_named_or_beside_it(tmp_path: Path) -> None:
    model, named = tmp_path / "m.onnx", tmp_path / "named"
    folders = [named, tmp_path / "m", tmp_path]
    assert peers.run_folder(model, named) is None
    for folder in folders[::-1]:
        folder.mkdir(exist_ok=True)
        (folder / peers.CHECKPOINT).touch()
        assert peers.run_folder(model, None) == (folder if folder != named else tmp_path / "m")
    assert peers.run_folder(model, named) == named
    assert peers.files(peers.TORCH, model, named) == [str(named)]


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_every_peer_has_a_worker_and_files(peer: Peer, tmp_path: Path) -> None:
    command = peers.command(peer.name)
    assert command == [sys.executable, "-m", peer.worker]
    assert peers.files(peer.name, tmp_path / "m.onnx", None)
    assert peers.files("CPUExecutionProvider", tmp_path / "m.onnx", None) == []
    assert peers.engine(peer).startswith(peer.package)
