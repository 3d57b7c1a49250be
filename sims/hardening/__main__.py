"""`python -m sims.hardening`."""

import sys

from sims.hardening.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
