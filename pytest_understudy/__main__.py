"""`python -m pytest_understudy`: the console script without its name on the path."""

from __future__ import annotations

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
