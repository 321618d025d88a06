"""`python -m perennial`."""

from __future__ import annotations

import sys

from perennial.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
