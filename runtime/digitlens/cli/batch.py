"""`digitlens batch`."""

from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from digitlens.cli.options import min_confidence_option, model_option, provider_option
from digitlens.cli.stderr import silence_libraries
from digitlens.cli.values import FloatRange
from digitlens.errors import UsageError
from digitlens.signals import end_once

if TYPE_CHECKING:
    from digitlens.batch.job import Form, Job
    from digitlens.batch.run import Engine


@click.command(
    epilog="Examples: digitlens batch scans --output out; "
    "digitlens batch 'scans/**/*.png' --output pngs --format jsonl"
)
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option(
    "--output",
    "-o",
    required=True,
    metavar="DIR",
    help="A new folder, or that of the same request, which is then finished: what is complete "
    "there is not read again. Also an address such as s3://bucket/folder.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["parquet", "jsonl"]),
    default="parquet",
    show_default=True,
    help="How to write readings and errors.",
)
@click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="local: processes on this machine. ray: actors of a Ray cluster, all of whose nodes reach "
    "the inputs and the output. The results are the same.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 100_000),
    metavar="N",
    help="Processes, or actors, each with one thread. Default: one for every core.",
)
@click.option("--address", metavar="HOST:PORT", help="Of a Ray cluster. Default: the one here.")
@click.option("--cpus", type=FloatRange(0), metavar="N", help="What a Ray actor takes. Default: 1.")
@click.option("--gpus", type=FloatRange(0), metavar="N", help="What a Ray actor takes. Default: 0.")
@click.option(
    "--memory", type=FloatRange(0), metavar="MB", help="What a Ray actor takes, if it is set."
)
@click.option(
    "--batch-size",
    type=click.IntRange(1, 65_536),
    default=64,
    show_default=True,
    metavar="N",
    help="Glyphs that the network is given at once.",
)
@click.option(
    "--shard-size",
    type=click.IntRange(1, 10_000_000),
    default=10_000,
    show_default=True,
    metavar="N",
    help="Images that are read as one and written to one file, or fewer of 8 MiB; a .tar or .npz "
    "file is one shard whatever it holds.",
)
@click.option(
    "--column",
    metavar="NAME",
    help="Of Parquet files, the one with images. Default: it is looked for.",
)
@min_confidence_option
@model_option
@provider_option
def batch(
    inputs: tuple[str, ...],
    output: str,
    form: "Form",
    engine: str,
    workers: int | None,
    address: str | None,
    cpus: float | None,
    gpus: float | None,
    memory: float | None,
    batch_size: int,
    shard_size: int,
    column: str | None,
    min_confidence: float | None,
    model: Path | None,
    provider: str,
) -> int:
    """Read many pictures: on all cores, or on a Ray cluster, and into Parquet files.

    An INPUT is an image, a folder, a quoted pattern, a .tar file of images (WebDataset), a .parquet
    file with a column of images, or an array of images of one digit: .npy, .npz or IDX. Also an
    address that pyarrow opens, such as s3://bucket/folder.

    Writes readings/, errors/ and manifest.json into DIR. A run that was killed is finished by the
    same command, and ends with the same bytes. Exits with 1 if some images could not be read: they
    are the rows of errors/, or if it could not go on: "complete" in the manifest is false then;
    with 2 if an INPUT is not there or DIR cannot be written.
    """
    if not output:
        raise UsageError("an empty --output: name a folder")
    if engine == "local" and any(value is not None for value in (address, cpus, gpus, memory)):
        raise UsageError("--address, --cpus, --gpus and --memory are for Ray: add --engine ray")

    from digitlens.batch.progress import Progress
    from digitlens.batch.run import run

    silence_libraries()
    end_once()
    job = _job(
        inputs, output, model, provider, engine,
        min_confidence=min_confidence, form=form, column=column,
        shard_size=shard_size, batch_size=batch_size,
    )  # fmt: skip
    chosen = _ray(workers, address, cpus, gpus, memory) if engine == "ray" else _local(workers)
    progress = Progress(job)
    try:
        counts = run(job, chosen, progress.add)
    finally:
        progress.close()
    with suppress(OSError):  # all is done, even if nobody is there to be told
        click.echo(progress.summary(), err=True)
    return 1 if counts.errors else 0


def _job(
    inputs: tuple[str, ...],
    output: str,
    model: Path | None,
    provider: str,
    engine: str,
    *,
    min_confidence: float | None,
    **settings: Any,  # noqa: ANN401, fields of the job
) -> "Job":
    from digitlens import model_file, pick, providers
    from digitlens.batch import storage
    from digitlens.batch.inputs import Input
    from digitlens.batch.job import Job
    from digitlens.session import Session

    if provider == providers.AUTO:
        provider = pick.load().provider
    providers.full_name(provider)
    content = model_file.read(model or model_file.PACKAGED)
    # Of a cluster, only the nodes need to have the provider.
    session = Session(content, provider=provider if engine == "local" else providers.DEFAULT)
    return Job(
        inputs=tuple(map(Input.of, inputs)),
        output=storage.absolute(output),
        model=content,
        weights_sha256=session.contract.weights_sha256,
        provider=provider,
        min_confidence=min_confidence,
        **settings,
    )


def _local(workers: int | None) -> "Engine":
    from digitlens.batch import local
    from digitlens.cores import usable_cores

    return partial(local.run, workers=workers or usable_cores())


def _ray(
    workers: int | None,
    address: str | None,
    cpus: float | None,
    gpus: float | None,
    memory: float | None,
) -> "Engine":
    try:
        from digitlens.batch import cluster
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "ray":
            raise
        raise UsageError('ray is not installed: pip install "digitlens[ray]"') from error
    resources = cluster.Resources(cpus, gpus, memory and memory * 2**20)
    return partial(cluster.run, workers=workers, address=address, resources=resources)
