"""The engine that is always there: a process for every core of this machine."""

import multiprocessing
import os
import pickle
import signal
import tempfile
import threading
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from pathlib import Path

from digitlens.batch.job import Job
from digitlens.batch.plan import Shard, shards
from digitlens.batch.results import Summary
from digitlens.batch.worker import Worker
from digitlens.errors import DataError

MAX_CRASHES = 3
"""How often in a row a worker may be killed before any shard is complete."""

AHEAD = 2
"""Shards that are handed out for each worker: the one it reads, and the next."""


def run(job: Job, workers: int) -> Generator[Summary]:
    """Read all shards of a job in processes of their own, and give what comes of each.

    Raises:
        DataError: the system has killed workers again and again.
        DigitlensError: what a worker cannot go on from; see `Worker`.
    """
    plan = shards(job)
    again: deque[Shard] = deque()
    crashes = 0
    with tempfile.NamedTemporaryFile() as file:
        # What a worker is started with goes through a pipe that holds less than a model, and
        # blocks for ever if the worker is killed before it reads it.
        pickle.dump(job, file)
        file.flush()
        while True:
            pool = ProcessPoolExecutor(
                workers, multiprocessing.get_context("spawn"), _start, (file.name,)
            )
            under_way: dict[Future[Summary], Shard] = {}
            try:
                while True:
                    while len(under_way) < AHEAD * workers and (again or _fill(again, plan)):
                        under_way[pool.submit(_work, again[0])] = again[0]
                        again.popleft()
                    if not under_way:
                        return
                    for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                        summary = future.result()
                        del under_way[future]
                        crashes = 0
                        yield summary
            except BrokenProcessPool as error:
                crashes += 1
                again.extendleft(reversed(under_way.values()))
                if crashes == MAX_CRASHES:
                    raise DataError(
                        f"workers were killed {crashes} times, last near "
                        f"{again[0].files[0].source}: there may be too little memory; "
                        "try fewer --workers"
                    ) from error
            finally:
                for process in multiprocessing.active_children():
                    process.terminate()
                pool.shutdown(cancel_futures=True)


def _fill(queue: deque[Shard], plan: Iterator[Shard]) -> bool:
    """Put the next shard into the queue, if there is one."""
    queue.extend(islice(plan, 1))
    return bool(queue)


def _start(path: str) -> None:
    global _worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends its workers
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    try:
        _worker = Worker(pickle.loads(Path(path).read_bytes()))
    except Exception as error:  # what goes wrong here would pass for a crash
        _worker = error


def _work(shard: Shard) -> Summary:
    if isinstance(_worker, Exception):
        raise _worker
    return _worker(shard)


def _end_with_the_parent() -> None:
    """End when the parent does, which may be killed without a word."""
    process = multiprocessing.parent_process()
    assert process is not None
    process.join()
    os._exit(1)


_worker: Worker | Exception
