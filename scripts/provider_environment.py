"""Make an environment with another onnxruntime, for 'digitlens bench --env'.

    python3 scripts/provider_environment.py onnxruntime-openvino
    python3 scripts/provider_environment.py onnxruntime onnxruntime-ep-openvino

It holds numpy and the packages that are named, in a folder .venv-PACKAGE called after the last of
them, and prints the path of its Python. What is there already is left as it is. Standard library
only.
"""

import sys
from pathlib import Path

from environment import ROOT, install, make, python_in, say, stop


def python_with_packages(packages: list[str], parent: Path = ROOT) -> Path:
    """Give the Python of an environment with numpy and `packages`, which is made."""
    folder = parent / f".venv-{packages[-1]}"
    python, done = python_in(folder), folder / "packages.txt"
    wanted = "\n".join(packages)
    if not done.exists() or done.read_text() != wanted:
        if not python.exists():
            make(folder)
        say(f"installing {', '.join(packages)} for {python}")
        install(python, "numpy", *packages)
        done.write_text(wanted)
    return python


if __name__ == "__main__":
    if not sys.argv[1:] or any(name.startswith("-") for name in sys.argv[1:]):
        stop("name packages, such as onnxruntime-openvino")
    print(python_with_packages(sys.argv[1:]))
