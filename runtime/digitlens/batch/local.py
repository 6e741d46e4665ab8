"""The engine that is always there: a process for every core of this machine."""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool

from digitlens.batch.job import Job
from digitlens.batch.output import Summary
from digitlens.batch.plan import Shard, shards
from digitlens.batch.worker import Worker
from digitlens.errors import DataError

MAX_CRASHES = 3
"""How often in a row a worker may be killed before any shard is complete."""

AHEAD = 2
"""Shards that are handed out for each worker: the one it reads, and the next."""


def run(job: Job, workers: int) -> Iterator[Summary]:
    """Read all shards of a job in processes of their own, and give what comes of each.

    Raises:
        DataError: the system has killed workers again and again.
        DigitlensError: what a worker cannot go on from; see `Worker`.
    """
    plan = shards(job)
    again: deque[Shard] = deque()
    crashes = 0
    while True:
        pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _start, (job,))
        under_way: dict[Future[Summary], Shard] = {}
        try:
            while True:
                while len(under_way) < AHEAD * workers and (
                    shard := again.popleft() if again else next(plan, None)
                ):
                    under_way[pool.submit(_work, shard)] = shard
                if not under_way:
                    return
                for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                    summary = future.result()
                    del under_way[future]
                    crashes = 0
                    yield summary
        except BrokenProcessPool as error:
            crashes += 1
            again.extend(sorted(under_way.values(), key=lambda shard: shard.number))
            if crashes == MAX_CRASHES:
                raise DataError(
                    f"workers were killed {crashes} times, last near {again[0].files[0].source}: "
                    "there may be too little memory; try fewer --workers"
                ) from error
        finally:
            for process in multiprocessing.active_children():
                process.terminate()
            pool.shutdown(cancel_futures=True)


def _start(job: Job) -> None:
    global _worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends its workers
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    _worker = Worker(job)


def _work(shard: Shard) -> Summary:
    return _worker(shard)


def _end_with_the_parent() -> None:
    """End when the parent does, which may be killed without a word."""
    process = multiprocessing.parent_process()
    assert process is not None
    process.join()
    os._exit(1)


_worker: Worker
