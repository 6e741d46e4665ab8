"""The model file in an onnxruntime of two years before this model."""

import os
import subprocess
import venv
from pathlib import Path

import numpy as np

from digitlens.model_file import PACKAGED
from digitlens.session import Session

OLD = "onnxruntime==1.20.1"  # November 2024
CODE = """
import sys, numpy, onnxruntime
session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
outputs = session.run(None, {"image": numpy.load(sys.argv[2])[:, None]})
names = [output.name for output in session.get_outputs()]
numpy.savez(sys.argv[3], **dict(zip(names, outputs)))
"""


def test_it_loads_and_computes_the_same(tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    subprocess.run([str(python), "-m", "pip", "install", "--quiet", OLD, "numpy<2.5"], check=True)
    glyphs = np.random.default_rng(0).random((5, 32, 32), np.float32)
    np.save(tmp_path / "glyphs.npy", glyphs)
    files = [PACKAGED, tmp_path / "glyphs.npy", tmp_path / "outputs.npz"]
    subprocess.run([str(python), "-c", CODE, *map(str, files)], check=True)
    found = np.load(tmp_path / "outputs.npz")
    for name, expected in Session().run(glyphs).items():
        assert np.abs(found[name] - expected).max() <= 1e-5, name
