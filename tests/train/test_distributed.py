"""Training in several processes under torchrun is training in one."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import safetensors.torch
import torch

from command import Digitlens, offline
from digitlens_train.distributed import Group
from digitlens_train.run import Run

OPTIONS = (
    *("--epochs", "2", "--limit", "330", "--batch-size", "33", "--muon-lr", "0.01"),
    *("--schedule", "one-cycle", "--rotation", "7", "--elastic", "0.5", "--held-out", "201"),
    *("--device", "cpu"),
)
SUBSET = {"DIGITLENS_DATA": None}
TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--standalone")


def torchrun(count: int, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*TORCHRUN, "--nproc-per-node", str(count), "-m", "digitlens_train", *map(str, arguments)],
        env=offline() | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def workers_of(process: subprocess.Popen[str]) -> list[Path]:
    """The processes that `torchrun` started, as folders of /proc."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    return [Path("/proc") / number for number in children.split()]


@pytest.fixture(scope="module")
def alone(digitlens: Digitlens, tmp_path_factory: pytest.TempPathFactory) -> Run:
    run = Run(tmp_path_factory.mktemp("alone") / "run")
    assert digitlens("train", *OPTIONS, "--out", run.folder, env=SUBSET).status == 0
    return run


def assert_equal(run: Run, other: Run) -> None:
    weights, others = (safetensors.torch.load_file(r.checkpoint) for r in (run, other))
    for name, weight in weights.items():
        torch.testing.assert_close(weight, others[name], rtol=0, atol=1e-4, msg=name)
    for epoch, same in zip(
        run.read_metrics()["epochs"], other.read_metrics()["epochs"], strict=True
    ):
        del epoch["seconds"], same["seconds"]
        assert epoch == pytest.approx(same, abs=0.01)


def test_shares_cover_everything_once() -> None:
    for count in (0, 1, 7, 32, 33):
        shares = [range(count)[Group(rank, 3).share(count)] for rank in range(3)]
        assert [number for share in shares for number in share] == list(range(count))
        assert max(map(len, shares)) - min(map(len, shares)) <= 1


@pytest.mark.parametrize("count", [2, 3])
def test_several_processes_end_with_the_weights_of_one(
    alone: Run, tmp_path: Path, count: int
) -> None:
    """Batches of 33 over 2, and 201 held-out images over both, do not divide evenly."""
    process = torchrun(count, *OPTIONS, "--out", tmp_path / "run")
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert out.count("validation accuracy") == 1
    assert err.count("recipe classic") == 1
    assert f"effective batch 33 over {count} processes, learning rate 0.001" in err
    assert_equal(Run(tmp_path / "run"), alone)
    assert json.loads((tmp_path / "run" / "config.json").read_text())["processes"] == count


def test_a_killed_worker_ends_the_job_with_an_error_and_a_run_that_can_be_resumed(
    tmp_path: Path,
) -> None:
    run = Run(tmp_path / "run")
    process = torchrun(2, *OPTIONS, "--epochs", 1000, "--out", run.folder)
    for _ in range(1200):
        if run.metrics.exists() or process.poll() is not None:
            break
        time.sleep(0.1)
    workers = workers_of(process)
    second = next(w for w in workers if b"RANK=1" in (w / "environ").read_bytes().split(b"\0"))
    os.kill(int(second.name), signal.SIGKILL)
    out, err = process.communicate(timeout=120)
    assert process.returncode != 0
    assert out == ""
    assert "failed, or lost the others (" in err
    assert "start all of them again with --resume" in err
    assert not any(worker.exists() for worker in workers)
    assert run.state.exists()
    done = len(run.read_metrics()["epochs"])

    # The same job with fewer epochs would be another one; so let the first of them be enough.
    config = run.read_config()
    config["recipe"]["epochs"] = done + 1
    run.write_config(config)
    again = torchrun(2, "--out", run.folder, "--resume")
    _, err = again.communicate(timeout=300)
    assert again.returncode == 0, err
    assert len(run.read_metrics()["epochs"]) == done + 1
    assert run.is_finished


def test_an_error_of_the_leader_is_one_line_and_ends_the_job(tmp_path: Path) -> None:
    process = torchrun(2, "--data", tmp_path / "missing", "--out", tmp_path / "run")
    _, err = process.communicate(timeout=120)
    assert process.returncode != 0
    assert err.count("Error: no folder") == 1
    assert "digitlens_train/" not in err  # torchrun shows a traceback, but of its own
    assert not Run(tmp_path / "run").is_begun
