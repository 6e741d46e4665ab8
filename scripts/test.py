"""Set up and run the whole test suite, a process a core; arguments go on to pytest.

Standard library only.

python3 scripts/test.py
python3 scripts/test.py tests/runtime -k finder
"""

import os
import subprocess
import sys

from environment import EVERYTHING, ROOT, python_with

if __name__ == "__main__":
    python = python_with(EVERYTHING)
    # A file stays in one process: its tests share what is slow to make. A test that hangs ends its
    # process, which shows where, and another one goes on.
    options = ["-n", str(os.cpu_count()), "--dist", "loadfile", "--no-loadscope-reorder"]
    options += ["--timeout", "900", "--timeout-method", "thread"]
    command = [str(python), "-m", "pytest", *options, *sys.argv[1:]]
    # As many threads as cores in every process would wait for each other, four times longer.
    environment = {"OMP_NUM_THREADS": "1", **os.environ}
    sys.exit(subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode)
