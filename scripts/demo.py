"""From nothing to a proven model that reads digits. Standard library only.

    python3 scripts/demo.py [--quick]

Sets up an environment, trains LeNet on MNIST, exports it to ONNX, proves the file equal to
PyTorch, reads image files with it and draws their feature maps. What is there already is kept,
and an interrupted training goes on after its last epoch.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

from environment import ROOT, python_with, stop

EPOCHS, QUICK_EPOCHS = 10, 2


def main() -> None:
    """Run all steps, and say where everything lies."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help=f"train {QUICK_EPOCHS} epochs only")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where to put everything")
    options = parser.parse_args()
    epochs = QUICK_EPOCHS if options.quick else EPOCHS
    folder = options.out or ROOT / "demo" / ("quick" if options.quick else "full")
    python = python_with("export")
    start = time.perf_counter()
    run, model, digits = folder / "run", folder / "lenet5.onnx", folder / "digits"

    if _step(f"training LeNet for {epochs} epochs", run, is_done=_is_finished(run)):
        resume = ["--resume"] * (run / "config.json").exists()
        _digitlens(python, "train", "--epochs", epochs, "--out", run, *resume)
    if _step("exporting it, and proving it equal to PyTorch", model, is_done=model.exists()):
        _digitlens(python, "export", run, "-o", model)
    if _step("writing digits of the validation images as files", digits, is_done=digits.exists()):
        _run(python, ROOT / "scripts" / "sample_images.py", run, digits)
    print("\nreading them with the exported model, without PyTorch")
    _digitlens(python, "classify", digits, "--model", model, "--maps", folder / "maps")
    page, picture = digits / "page.png", folder / "maps.png"
    _digitlens(python, "maps", page, "--digit", 3, "--model", model, "-o", picture)

    print(f"\nDone in {time.perf_counter() - start:.0f} s. Look at:")
    for what, path in (
        ("the feature maps of one digit", picture),
        ("the feature maps of every digit", folder / "maps"),
        ("curves, predictions, confusion matrix", run),
        ("the page and the digits that were read", digits),
        ("the model, one file that needs no PyTorch", model),
    ):
        print(f"  {what:<42} {path}")
    print(f"\nTry: {python} -m digitlens classify YOUR_PHOTO.jpg")


def _is_finished(run: Path) -> bool:
    return (run / "checkpoint.safetensors").exists() and not (run / "resume.pt").exists()


def _step(title: str, result: Path, *, is_done: bool) -> bool:
    """Announce a step, and tell whether it has to be done."""
    print(f"\n{title}" + (f": there already, {result}" if is_done else ""), flush=True)
    return not is_done


def _digitlens(python: Path, *arguments: object) -> None:
    _run(python, "-m", "digitlens", *arguments)


def _run(*command: object) -> None:
    result = subprocess.run([str(part) for part in command], check=False)
    if result.returncode:
        stop("this step failed; its message is above")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
