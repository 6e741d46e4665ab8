"""`python -m digitlens`, the same as the command `digitlens`."""

from digitlens.cli import main

main()
