"""`python -m windtunnel`, for environments whose scripts are not on the PATH."""

import sys

from windtunnel.app.cli import main

if __name__ == "__main__":
    sys.exit(main())
