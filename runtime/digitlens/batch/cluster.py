"""The engine for more than one machine: Ray Data, with the same worker in every actor."""

import logging
import os
import pickle
import socket
from collections.abc import Generator
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa

from digitlens.batch import storage
from digitlens.batch.job import Job
from digitlens.batch.plan import shards
from digitlens.batch.results import Summary
from digitlens.batch.worker import Worker
from digitlens.errors import DigitlensError, SourceError

# Ray reads these when it is imported; it reports usage to its makers without the first.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")

import ray
import ray.data
from ray.data.block import BlockMetadata
from ray.data.datasource import Datasource, ReadTask

MANY = 1_000_000
RETRIES = 100
"""How often a shard is tried that ends its actor; a node that is lost costs many of them."""


@dataclass(frozen=True, slots=True)
class Resources:
    """What each actor needs: cores, GPUs, bytes of memory; None leaves it to Ray."""

    cpus: float | None = None
    gpus: float | None = None
    memory: float | None = None


def run(
    job: Job, workers: int | None, address: str | None, resources: Resources
) -> Generator[Summary]:
    """Read all shards of a job in actors of a Ray cluster, and give what comes of each.

    Shards are planned by one task while actors read. What a lost node was doing is done again
    elsewhere.

    Args:
        job: with an input and an output that all nodes reach.
        workers: how many actors; None for as many as the cluster has room for.
        address: of the cluster; None for the one that Ray finds, else for one that it starts here.
        resources: of each actor.

    Raises:
        SourceError: there is no such cluster, or Ray cannot go on.
        DigitlensError: what a worker cannot go on from; see `Worker`.
    """
    _check_address(address)
    with ExitStack() as stack:
        # Ray reports at length what it mends by itself, such as the end of a node.
        nowhere = stack.enter_context(Path(os.devnull).open("w"))
        stack.enter_context(redirect_stdout(nowhere))
        stack.enter_context(redirect_stderr(nowhere))
        yield from _run(job, workers, address, resources)


def _run(
    job: Job, workers: int | None, address: str | None, resources: Resources
) -> Generator[Summary]:
    try:
        ray.init(address, log_to_driver=False, logging_level=logging.CRITICAL)
    except (ConnectionError, RuntimeError, ValueError) as error:
        where = f"at {address}" if address else "here"
        raise SourceError(
            f"no Ray cluster {where} ({_first_line(error)}): look at 'ray status', or start one "
            "with 'ray start --head'"
        ) from error
    try:
        _configure()
        room = _room(resources)
        done = ray.data.read_datasource(_Plan(job), override_num_blocks=1, num_cpus=0).map_batches(
            _Actor,
            fn_constructor_args=(job,),
            batch_size=1,
            batch_format="pyarrow",
            compute=ray.data.ActorPoolStrategy(size=workers or room),
            num_cpus=resources.cpus,
            num_gpus=resources.gpus,
            memory=resources.memory,
            max_task_retries=RETRIES,
        )
        for batch in done.iter_batches(batch_size=1, prefetch_batches=0, batch_format="pyarrow"):
            yield _unpacked(batch)
    except ray.exceptions.RayError as error:
        if own := _own(error):
            raise own from error
        raise SourceError(
            f"Ray stopped ({_first_line(error)}): see its logs, then run the same again"
        ) from error
    finally:
        ray.shutdown()


def _check_address(address: str | None) -> None:
    """Knock at the door: Ray itself would wait for minutes."""
    place = urlsplit(address if address and "://" in address else f"//{address or ''}")
    try:
        port = place.port
        if port is not None:
            socket.create_connection((place.hostname or "", port), timeout=10).close()
    except (OSError, ValueError) as error:
        raise SourceError(
            f"no Ray cluster at {address} ({storage.reason_of(error)}): check the address, "
            "or start one with 'ray start --head'"
        ) from error


class _Plan(Datasource):  # type: ignore[misc]
    """The shards of a job, one a block, made as they are wanted."""

    def __init__(self, job: Job) -> None:
        super().__init__()
        self.job = job

    def estimate_inmemory_data_size(self) -> int | None:
        return None

    def get_read_tasks(
        self,
        parallelism: int,  # noqa: ARG002, one task walks the input in order
        per_task_row_limit: int | None = None,
        data_context: Any = None,  # noqa: ANN401, ARG002
    ) -> list[ReadTask]:
        job = self.job
        metadata = BlockMetadata(num_rows=None, size_bytes=None, exec_stats=None)
        blocks = lambda: map(_packed, shards(job))  # noqa: E731, Ray pickles what it calls
        return [ReadTask(blocks, metadata, per_task_row_limit=per_task_row_limit)]


class _Actor:
    """Loads the model once, then reads shard after shard."""

    def __init__(self, job: Job) -> None:
        self.worker = Worker(job)

    def __call__(self, batch: pa.Table) -> pa.Table:
        return _packed(self.worker(_unpacked(batch)))


def _packed(value: object) -> pa.Table:
    return pa.table({"pickle": [pickle.dumps(value)]})


def _unpacked(table: pa.Table) -> Any:  # noqa: ANN401, what was packed
    return pickle.loads(table.column("pickle")[0].as_py())


def _configure() -> None:
    """Keep Ray Data quiet, and its blocks as they are: one shard each."""
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.target_min_block_size = context.target_max_block_size = 1


def _room(resources: Resources) -> int:
    """Give how many actors the nodes have room for, were nothing else on them.

    Raises:
        SourceError: for none; Ray would wait for other nodes without end.
    """
    needs = {"CPU": 1 if resources.cpus is None else resources.cpus}
    needs |= {"GPU": resources.gpus or 0, "memory": resources.memory or 0}
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    room = sum(
        min(int(node.get(name, 0) / need) if need else MANY for name, need in needs.items())
        for node in nodes
    )
    if not room:
        wanted = ", ".join(f"{need:g} {name}" for name, need in needs.items() if need)
        raise SourceError(f"no node of the cluster has {wanted} for a worker: ask for less")
    return min(room, int(sum(node.get("CPU", 0) for node in nodes)) or len(nodes))


def _own(error: BaseException | None) -> DigitlensError | None:
    """Find what a worker raised in what Ray made of it."""
    while error is not None and not isinstance(error, DigitlensError):
        error = getattr(error, "cause", None) or error.__cause__
    return error


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)[:200]
