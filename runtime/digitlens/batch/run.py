"""A job from its beginning to its end."""

from collections.abc import Callable, Generator
from contextlib import closing

from digitlens.batch import inputs
from digitlens.batch.job import Job
from digitlens.batch.output import Output
from digitlens.batch.results import Counts, Summary
from digitlens.errors import DataError

Engine = Callable[[Job], Generator[Summary]]
"""Does all shards of a job, each once, in any order."""


def run(job: Job, engine: Engine, on_summary: Callable[[Summary], None]) -> Counts:
    """Do what is left of a job, and give the counts of all of it.

    Raises:
        NotFoundError: one of the inputs stands for no file; nothing is written then.
        UsageError: the output cannot be written, or holds something else.
        DigitlensError: what a worker or an engine cannot go on from.
    """
    inputs.check(job.inputs, job.output)
    output = Output(job)
    output.begin()
    counts, shards, numbers = Counts(), 0, 0
    with closing(engine(job)) as summaries:
        for summary in summaries:
            counts.add(summary.counts)
            shards, numbers = shards + 1, numbers + summary.number
            on_summary(summary)
    if numbers != shards * (shards - 1) // 2:
        raise DataError(f"{shards} shards were done, but not each once: run the same again")
    output.end(counts, shards)
    return counts
