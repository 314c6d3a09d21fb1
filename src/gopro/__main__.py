"""``python -m gopro``: the command line."""

import sys

from gopro.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
