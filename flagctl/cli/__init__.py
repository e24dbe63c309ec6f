"""The command line: works when the web is down, by the same write path as every other door."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command that was typed and end the process with its exit code."""
    from flagctl.cli.run import run

    sys.exit(run(sys.argv[1:]))
