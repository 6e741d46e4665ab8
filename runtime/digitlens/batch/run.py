"""A job from its beginning to its end."""

from collections.abc import Callable, Iterator

from digitlens.batch import inputs
from digitlens.batch.job import Job
from digitlens.batch.output import Output
from digitlens.batch.results import Counts, Summary

Engine = Callable[[Job], Iterator[Summary]]
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
    counts, shards, last = Counts(), 0, -1
    for summary in engine(job):
        counts.add(summary.counts)
        shards, last = shards + 1, max(last, summary.number)
        on_summary(summary)
    assert shards == last + 1, f"{shards} shards were done, the last has number {last}"
    output.end(counts, shards)
    return counts
