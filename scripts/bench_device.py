"""What digitlens costs a device: installed size, start-up and memory, beside PyTorch; Unix.

    python scripts/bench_device.py

Sizes are those of the files that pip installs into an empty environment, .venv-device, which is
made. Both jobs read the same digit, a PNG of 28×28 pixels, from the start of the process to the
label on standard output: `digitlens classify` there, and here the same image through OpenCV and
the checkpoint that the packaged model was exported from, in PyTorch. They take turns.
"""

import sys
import tempfile
from importlib.metadata import Distribution, distributions
from pathlib import Path
from statistics import median

import click
import cv2

from child import Finished, run
from digitlens_train.mnist import load_subset
from environment import ROOT, install, make, python_in

IN_PYTORCH = """
import sys
import cv2, torch
from digitlens.model_file import PACKAGED
from digitlens.vision.mnist_format import glyph, mnist_ink
from digitlens_train.run import Run

torch.set_num_threads(1)
model = Run(PACKAGED.with_suffix("")).load_model()
image = cv2.imread(sys.argv[1], cv2.IMREAD_GRAYSCALE)
with torch.inference_mode():
    logits = model(torch.from_numpy(glyph(mnist_ink(image[None])))[:, None])
confidence, label = logits.softmax(1).max(1)
print(f"{int(label)}  {float(confidence):.1%}")
"""
WITHOUT = ("pip", "setuptools", "wheel")
"""What an environment has before anything is installed into it."""


def device() -> Path:
    """Give the Python of an environment with the wheel of this checkout alone, newly installed."""
    folder = ROOT / ".venv-device"
    if not python_in(folder).exists():
        make(folder)
    install(python_in(folder), "--force-reinstall", "--no-deps", str(ROOT))
    install(python_in(folder), str(ROOT))
    return python_in(folder)


def sizes(python: Path) -> dict[str, float]:
    """Give the MB on disk of every distribution in an environment, the largest first."""
    (packages,) = python.parents[1].glob("[Ll]ib/**/site-packages")
    found = {each.name: size(each) for each in distributions(path=[str(packages)])}
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def size(distribution: Distribution) -> float:
    """Give the MB that the files of a distribution take."""
    paths = {Path(str(distribution.locate_file(file))) for file in distribution.files or []}
    return sum(path.stat().st_size for path in paths if path.is_file()) / 1e6


def done(command: list[str]) -> Finished:
    """Run a command that must end well."""
    finished = run(command)
    if finished.status:
        raise click.ClickException(f"{command[0]} ended with {finished.status}: {finished.err}")
    return finished


@click.command(help=__doc__)
@click.option("--rounds", default=15, show_default=True, help="How often each job is done.")
def main(rounds: int) -> None:
    """Measure and print."""
    python = device()
    click.echo("| installed | MB |\n|---|---:|")
    found = {name: mb for name, mb in sizes(python).items() if name not in WITHOUT}
    for name, mb in found.items():
        click.echo(f"| {name} | {mb:.1f} |")
    click.echo(f"| all of it | {sum(found.values()):.1f} |")
    torch = next(each for each in distributions(name="torch"))
    click.echo(f"| torch {torch.version}, which is not needed | {size(torch):.1f} |\n")
    with tempfile.TemporaryDirectory() as name:
        image = Path(name) / "digit.png"
        cv2.imwrite(str(image), load_subset().valid.images[0].numpy())
        jobs = {
            "digitlens classify": [str(python.with_name("digitlens")), "classify", str(image)],
            "the same in PyTorch": [sys.executable, "-c", IN_PYTORCH, str(image)],
        }
        runs = {job: [done(command)] for job, command in jobs.items()}
        for _ in range(rounds):
            for job, command in jobs.items():
                runs[job].append(done(command))
    labels = {each.out.split()[-2] for results in runs.values() for each in results}
    if len(labels) != 1:
        raise click.ClickException(f"the jobs read {' and '.join(sorted(labels))}")
    click.echo("| | start to result, ms | peak memory, MB |\n|---|---:|---:|")
    costs = {
        job: (1000 * median(r.seconds for r in results[1:]), max(r.peak_mb for r in results))
        for job, results in runs.items()
    }
    for job, (ms, mb) in costs.items():
        click.echo(f"| {job} | {ms:.0f} | {mb:.0f} |")
    (ms, mb), (torch_ms, torch_mb) = costs.values()
    click.echo(f"| share | {ms / torch_ms:.2f} | {mb / torch_mb:.2f} |")


if __name__ == "__main__":
    main()
