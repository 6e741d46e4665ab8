"""`python -m digitlens_train …` is `digitlens train …`, for launchers that start modules.

torchrun --nproc-per-node 2 -m digitlens_train --recipe quick
"""

import os
import sys

from digitlens.cli import main

if __name__ == "__main__":
    try:
        main(["train", *sys.argv[1:]])
    except SystemExit as end:
        if "TORCHELASTIC_RUN_ID" not in os.environ:
            raise
        # At Python's own end a process group is freed while the interpreter is locked, and the
        # group's threads may wait for that lock for ever.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(int(end.code or 0))
