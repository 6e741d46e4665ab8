"""What digitlens costs a device: installed size, start-up and memory, beside PyTorch; Unix.

    python scripts/bench_device.py

Sizes are those of the files that pip installs into an empty environment, .venv-device, which is
made. Both jobs read the same digit, a PNG of 28×28 pixels, from the start of the process to the
label on standard output: `digitlens classify` there, and here the same image through OpenCV and
the checkpoint that the packaged model was exported from, in PyTorch. They take turns.
"""

import json
import subprocess
import sys
import tempfile
from importlib.metadata import Distribution, distributions
from pathlib import Path
from statistics import median

import click
import cv2

from digitlens_train.mnist import load_subset
from environment import ROOT, install, make, python_in

IN_PYTORCH = """
import sys
import cv2, torch
from digitlens.model_file import PACKAGED
from digitlens.normalize import glyph, mnist_ink
from digitlens_train.run import Run

torch.set_num_threads(1)
model = Run(PACKAGED.with_suffix("")).load_model().eval()
image = cv2.imread(sys.argv[1], cv2.IMREAD_GRAYSCALE)
with torch.inference_mode():
    logits = model(torch.from_numpy(glyph(mnist_ink(image[None])))[:, None])
confidence, label = logits.softmax(1).max(1)
print(f"{int(label)}  {float(confidence):.1%}")
"""
STARTER = """
import json, resource, subprocess, sys, time

start = time.perf_counter()
done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, text=True, check=True)
seconds = time.perf_counter() - start
print(json.dumps([done.stdout, seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss]))
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


def run(command: list[str]) -> tuple[str, float, float]:
    """Run a command: the first word of what it prints last, seconds, and MB of memory at its peak.

    A small process starts it, since a child's peak begins with what its parent has.
    """
    done = subprocess.run([sys.executable, "-c", STARTER, *command], capture_output=True, text=True)
    if done.returncode:
        raise click.ClickException(done.stderr.strip().splitlines()[-1])
    printed, seconds, peak = json.loads(done.stdout)
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, KiB elsewhere: getrusage(2)
    return printed.split()[-2], seconds, peak * unit / 1e6


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
        runs = {job: [run(command)] for job, command in jobs.items()}
        for _ in range(rounds):
            for job, command in jobs.items():
                runs[job].append(run(command))
    labels = {label for results in runs.values() for label, _, _ in results}
    if len(labels) != 1:
        raise click.ClickException(f"the jobs read {' and '.join(sorted(labels))}")
    click.echo("| | start to result, ms | peak memory, MB |\n|---|---:|---:|")
    costs = {
        job: (1000 * median(s for _, s, _ in results[1:]), max(mb for _, _, mb in results))
        for job, results in runs.items()
    }
    for job, (ms, mb) in costs.items():
        click.echo(f"| {job} | {ms:.0f} | {mb:.0f} |")
    (ms, mb), (torch_ms, torch_mb) = costs.values()
    click.echo(f"| share | {ms / torch_ms:.2f} | {mb / torch_mb:.2f} |")


if __name__ == "__main__":
    main()
