"""`python -m digitlens_train …` is `digitlens train …`, for launchers that start modules.

torchrun --nproc-per-node 2 -m digitlens_train --recipe quick
"""

import sys

from digitlens.cli import main

if __name__ == "__main__":
    main(["train", *sys.argv[1:]])
