import json
import shutil
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from command import ROOT, Digitlens
from digitlens.bench import peers
from digitlens.model_file import PACKAGED

pytestmark = pytest.mark.extras

NCNN = """7767517
13 13
Input        in0    0 1 in0
Convolution  conv1  1 1 in0 1 0=6 1=5 5=1 6=150
TanH         tanh1  1 1 1 2
Pooling      pool1  1 1 2 3 0=1 1=2 2=2 5=1
Convolution  conv2  1 1 3 4 0=16 1=5 5=1 6=2400
TanH         tanh2  1 1 4 5
Pooling      pool2  1 1 5 6 0=1 1=2 2=2 5=1
Convolution  conv3  1 1 6 7 0=120 1=5 5=1 6=48000
TanH         tanh3  1 1 7 8
InnerProduct fc1    1 1 8 9 0=84 1=1 2=10080
TanH         tanh4  1 1 9 10
InnerProduct logits 1 1 10 11 0=10 1=1 2=840
Softmax      out    1 1 11 out0 0=0 1=1
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packaged model with its run folder and a conversion for ncnn beside it."""
    from digitlens_train.run import Run

    folder = tmp_path_factory.mktemp("peers")
    shutil.copy(PACKAGED, folder / "lenet5.onnx")
    shutil.copytree(PACKAGED.with_suffix(""), folder / "lenet5")
    network = Run(folder / "lenet5").load_model()
    temperature, parts = float(network.temperature), []
    for layer in (network.conv1, network.conv2, network.conv3, network.fc1, network.logits):
        scale = temperature if layer is network.logits else 1.0
        flag = np.zeros(1, np.uint32)  # what follows is float32
        weights = [each.detach().numpy() / scale for each in (layer.weight, layer.bias)]
        parts += [flag.tobytes(), *(each.astype(np.float32).tobytes() for each in weights)]
    (folder / "lenet5.ncnn.param").write_text(NCNN)
    (folder / "lenet5.ncnn.bin").write_bytes(b"".join(parts))
    return folder / "lenet5.onnx"


def test_every_peer_computes_the_same_and_is_measured(digitlens: Digitlens, model: Path) -> None:
    done = digitlens(
        *("bench", model, "--peers", "--no-pipeline", "--format", "json"),
        *("--queries", 32, "--seconds", 0.05, "--batch", 1, "--batch", 3, "--pace", "max"),
    )
    assert done.status == 0, done
    report = json.loads(done.out)
    jsonschema.validate(report, json.loads((ROOT / "docs" / "bench.schema.json").read_text()))
    assert report["environment"]["left_out"] == []
    rows = [row for row in report["rows"] if row["kind"] == "peer"]
    names = [peer.name for peer in peers.PEERS]
    assert [(row["provider"], row["batch"]) for row in rows] == [
        (name, batch) for name in names for batch in (1, 3)
    ]
    for row in rows:
        assert row["status"] == "ok", row["reason"]
        assert row["max_error"] < 1e-4
        assert row["queries"] >= 32
        assert row["latency_us"]["p50"] > 0
        assert row["of_limit"] > 0
        package, version = row["engine"].split()
        assert package in {peer.package for peer in peers.PEERS}
        assert version[0].isdigit()


def test_a_peer_that_computes_something_else_is_a_wrong_result(
    digitlens: Digitlens, model: Path, tmp_path: Path
) -> None:
    shutil.copytree(model.parent, tmp_path / "copy")
    weights = tmp_path / "copy" / "lenet5.ncnn.bin"
    favouring_zero = np.array([9, 0, 0, 0, 0, 0, 0, 0, 0, 0], np.float32)  # the last bias
    weights.write_bytes(weights.read_bytes()[:-40] + favouring_zero.tobytes())
    done = digitlens(
        *("bench", tmp_path / "copy" / "lenet5.onnx", "--peers", "--no-pipeline"),
        *("--queries", 8, "--seconds", 0, "--batch", 1, "--pace", "max", "--format", "json"),
    )
    assert done.status == 1
    found = {row["provider"]: row["status"] for row in json.loads(done.out)["rows"]}
    assert found.pop("ncnn") == "wrong result"
    assert set(found.values()) == {"ok"}


def test_what_a_peer_lacks_is_said(tmp_path: Path) -> None:
    by_name = {peer.name: peer for peer in peers.PEERS}
    alone = tmp_path / "alone.onnx"
    shutil.copy(PACKAGED, alone)
    assert peers.lack(by_name["OpenCV DNN"], alone, None) == ""
    assert "alone.ncnn.param: convert it with pnnx" in peers.lack(by_name["ncnn"], alone, None)
    assert "--run DIR" in peers.lack(by_name[peers.TORCH], alone, None)
    assert peers.lack(by_name[peers.TORCH], alone, PACKAGED.with_suffix("")) == ""
    absent = peers.Peer("Absent", "absent-package", "absent_module")
    assert "pip install absent-package" in peers.lack(absent, alone, None)
