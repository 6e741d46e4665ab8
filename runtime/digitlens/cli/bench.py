"""`digitlens bench`."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from digitlens.cli import values
from digitlens.cli.options import format_option
from digitlens.errors import UsageError
from digitlens.signals import end_once
from digitlens.text import one_line

if TYPE_CHECKING:
    from digitlens.bench.compare import Change
    from digitlens.bench.report import Report
    from digitlens.bench.settings import Settings

Progress = Callable[[str, float], None]


@click.command(
    epilog="Examples: digitlens bench --pick; "
    "digitlens bench --quick --no-pipeline --threads 1 --threads 2; "
    "digitlens bench --quick --no-pipeline --format json > old.json; "
    "digitlens bench --quick --no-pipeline --compare old.json --fail-over 400%"
)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[MODEL]...")
@click.option(
    "--model",
    "models",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The same as the argument. Default: the packaged model.",
)
@click.option(
    "--provider",
    "wanted",
    multiple=True,
    metavar="NAME",
    help="Measure this provider; may be given several times. Default: all that are here.",
)
@click.option(
    "--env",
    "environments",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="PYTHON",
    help="Measure the onnxruntime of this interpreter too; may be given several times.",
)
@click.option(
    "--batch",
    "batches",
    multiple=True,
    type=click.IntRange(1, 65536),
    metavar="N",
    help="Images a call; may be given several times. Default: 1, 8, 32 and 128.",
)
@click.option(
    "--threads",
    multiple=True,
    type=click.IntRange(1, 256),
    metavar="N",
    help="Threads within an operator; may be given several times. Default: 1.",
)
@click.option(
    "--pace",
    "paces",
    multiple=True,
    callback=values.paces,
    metavar="N",
    help="N calls a second, or max for back to back; may be given several times. "
    "Default: max, and for a batch of one 30 too, as with a camera.",
)
@click.option(
    "--dim",
    "dims",
    multiple=True,
    callback=values.dims,
    metavar="NAME=SIZE",
    help="The size of a symbolic dimension of the model's inputs; may be given several times.",
)
@click.option(
    "--pipeline/--no-pipeline",
    "has_pipeline",
    default=True,
    help="Measure the way from frame to reading too, on a test card of 640×480 with ten digits.",
)
@click.option("--peers", "has_peers", is_flag=True, help="Measure other engines that are here too.")
@click.option(
    "--run",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="DIR",
    help="The run folder for PyTorch among the peers. Default: the one beside the model.",
)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="A folder with the files of MNIST for the accuracy. Default: $DIGITLENS_DATA, else where "
    "'digitlens train' keeps them, else there is no accuracy.",
)
@click.option(
    "--queries",
    type=click.IntRange(5, 10_000_000),
    metavar="N",
    help="Measure at least N calls a row. Default: 1024.",
)
@click.option(
    "--seconds",
    type=values.FloatRange(0, 3600),
    metavar="S",
    help="Measure a row for at least S seconds. Default: 2.",
)
@click.option(
    "--tolerance",
    type=values.FloatRange(0),
    metavar="X",
    help="How far outputs may be from the CPU's, as a share of their largest. Default: 0.001.",
)
@click.option(
    "--timeout",
    type=values.FloatRange(1, 86400),
    metavar="S",
    help="Give a row up when nothing is heard of it for S seconds beyond its time. Default: 60.",
)
@click.option("--quick", is_flag=True, help="Measure less; a provider takes less than 20 seconds.")
@click.option(
    "--mlperf",
    "is_mlperf",
    is_flag=True,
    help="Measure single images for 60 s back to back, and report MLPerf's p90.",
)
@format_option("table", "json", "markdown", "csv")
@click.option(
    "--raw",
    type=click.Path(path_type=Path),
    metavar="FILE.json",
    help="Write the time of every call into this file.",
)
@click.option(
    "--plot",
    type=click.Path(path_type=Path),
    metavar="FILE.png",
    help="Draw latencies and throughput into this file; needs the extra plot.",
)
@click.option(
    "--compare",
    "old",
    type=click.Path(path_type=Path),
    metavar="OLD.json",
    help="Set an earlier report beside this one; exit with 1 if a row became slower or less "
    "accurate, or none was measured again.",
)
@click.option(
    "--fail-over",
    callback=values.percent,
    metavar="PERCENT",
    help="How much slower a row may become in --compare. Default: 10%.",
)
@click.option(
    "--pick",
    "picks",
    is_flag=True,
    help="Find the fastest provider and number of threads, print them, and keep them for "
    "--provider auto of the other commands.",
)
def bench(
    paths: tuple[Path, ...],
    models: tuple[Path, ...],
    form: str,
    *,
    raw: Path | None,
    plot: Path | None,
    old: Path | None,
    fail_over: float | None,
    picks: bool,
    **options: Any,  # noqa: ANN401
) -> int:
    """Measure latency and throughput of execution providers, with proof that they did the work.

    MODEL is an ONNX file, with digitlens's contract or any other. Every row is measured in a
    process of its own, rows of the same work in turns. A row fails where its nodes did not run on
    the provider, or its outputs are not those of the CPU. json is one object, see docs/bench.md.

    Exits with 1 if a row fails, or became slower than --compare allows.
    """
    from digitlens.bench import compare, runner

    _check_places(raw, plot)
    if fail_over is not None and not old:
        raise UsageError("--fail-over is for --compare: give an earlier report")
    if picks:
        _check_pick(old, options)
    before = compare.read(old) if old else None
    settings = _settings((*paths, *models), picks=picks, options=options)
    end_once()
    with _progress() as progress:
        report = runner.run(settings, progress)
    if raw:
        report.write_raw(raw)
    if plot:
        from digitlens.bench.plot import draw

        draw(report, plot)
    _warn(report.environment["left_out"])
    if picks:
        return _pick(report, form)
    if form in ("json", "csv"):  # tables have these among their notes
        _warn(report.environment["warnings"])
    if before is None:
        _print(report, form)
        return 0 if report.ok else 1
    _warn(compare.doubts(before, report.to_dict()))
    changes = compare.compare(before, report.to_dict(), 0.1 if fail_over is None else fail_over)
    _print(report, form, changes)
    return 0 if report.ok and not compare.is_failed(changes) else 1


def _check_places(raw: Path | None, plot: Path | None) -> None:
    """See that files can be written and drawn, before anything is measured."""
    from digitlens.files import check_writable

    for path in (raw, plot):
        if path:
            check_writable(path)
    if plot:
        import matplotlib  # noqa: F401


def _check_pick(old: Path | None, options: dict[str, Any]) -> None:
    from digitlens import pick
    from digitlens.files import check_writable

    if old or options["environments"]:
        raise UsageError(
            "--pick chooses among the providers of this Python: leave out --env and --compare"
        )
    check_writable(pick.file())


def _warn(warnings: Sequence[str]) -> None:
    for warning in warnings:
        click.echo(one_line(f"warning: {warning}"), err=True)


def _print(report: "Report", form: str, changes: "Sequence[Change] | None" = None) -> None:
    """Print a report, with what became of an earlier one where there is one."""
    from digitlens.bench import table

    if form == "json":
        found = report.to_dict()
        if changes is not None:
            found["comparison"] = [change.to_dict() for change in changes]
        click.echo(json.dumps(found))
        return
    write = {"table": table.table, "markdown": table.markdown, "csv": table.to_csv}[form]
    click.echo(write(report))
    if changes is not None:
        click.echo("\n" + table.comparison(changes, form), err=form == "csv")


def _settings(models: tuple[Path, ...], *, picks: bool, options: dict[str, Any]) -> "Settings":
    """Turn what was given into settings; what was not given has its default."""
    from digitlens.bench import choice
    from digitlens.bench.settings import MLPERF_SECONDS, QUERIES, QUICK, Settings
    from digitlens.cores import usable_cores

    is_quick, is_mlperf = options.pop("quick"), options["is_mlperf"]
    given = {
        "models": models,
        "providers": options.pop("wanted"),
        **{n: tuple(dict.fromkeys(v)) if _is_many(v) else v for n, v in options.items()},
    }
    given = {name: value for name, value in given.items() if value not in (None, ())}
    usual: dict[str, Any] = dict(QUICK) if is_quick else {}
    for option, is_on in (("--mlperf", is_mlperf), ("--pick", picks)):
        if is_on and not _is_single_stream(given):
            raise UsageError(
                f"{option} measures one image, back to back: leave out --batch and --pace, "
                "or let --batch 1 and --pace max be among them"
            )
    if is_mlperf and options["seconds"] not in (None, MLPERF_SECONDS):
        raise UsageError(f"--mlperf measures for {MLPERF_SECONDS:g} s: leave out --seconds")
    if is_mlperf:
        usual |= {"queries": QUERIES, "seconds": MLPERF_SECONDS, "batches": (1,), "paces": (None,)}
    if picks:
        usual |= {"batches": (1,), "paces": (None,), "threads": choice.candidates(usable_cores())}
        given["has_pipeline"] = False
    return Settings(**usual | given)


def _is_single_stream(given: dict[str, Any]) -> bool:
    """Tell whether one image, back to back, is among what is measured."""
    return 1 in given.get("batches", (1,)) and None in given.get("paces", (None,))


def _is_many(value: object) -> bool:
    return isinstance(value, list | tuple)


def _pick(report: "Report", form: str) -> int:
    from digitlens import pick, providers
    from digitlens.bench import choice

    best = choice.choose(report)
    short = providers.short_name(best.provider)
    click.echo(
        json.dumps({"provider": best.provider, "threads": best.threads, "p50_us": best.p50_us})
        if form == "json"
        else f"{short}, {best.threads} thread{'s' if best.threads > 1 else ''}"
    )
    pick.save(best)
    click.echo(one_line(f"kept in {pick.file()}; --provider auto takes it"), err=True)
    _warn(report.environment["warnings"])
    return 0 if report.ok else 1


@contextmanager
def _progress() -> Iterator[Progress]:
    """Show a bar on a terminal, and elsewhere a line for every comparison."""
    if sys.stderr is not None and sys.stderr.isatty():
        with click.progressbar(
            length=1000, file=sys.stderr, item_show_func=lambda label: label and str(label)
        ) as bar:
            yield lambda label, part: bar.update(round(1000 * part) - bar.pos, label)
        return
    told: set[str] = set()

    def tell(label: str, part: float) -> None:
        del part
        if label not in told:
            told.add(label)
            click.echo(f"measuring {label}", err=True)

    yield tell
