"""Set up and run the whole test suite; arguments go on to pytest. Standard library only.

python3 scripts/test.py
python3 scripts/test.py tests/runtime -k finder
"""

import subprocess
import sys

from environment import EVERYTHING, ROOT, python_with

if __name__ == "__main__":
    python = python_with(EVERYTHING)
    command = [str(python), "-m", "pytest", *sys.argv[1:]]
    sys.exit(subprocess.run(command, cwd=ROOT, check=False).returncode)
