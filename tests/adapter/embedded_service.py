"""A service with the adapter built in, for tests: it answers each line that it reads.

Called with the data directory. `resolve` tells the mode that a resolution used, `fork` begins a
child that goes on instead of its parent, which waits for it and then ends.
"""

import os
import sys
from pathlib import Path

import structlog

from flagctl.adapter import SlurmAdapter
from flagctl.settings import load_settings


def main(directory: Path, pin: str | None) -> None:
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    given = {"FLAGCTL_DATA_DIR": str(directory)} | ({"ZPE_SLURM_ADAPTER": pin} if pin else {})
    adapter = SlurmAdapter.from_settings(load_settings(given))
    answer(str(os.getpid()))
    while line := sys.stdin.readline().strip():
        if line == "resolve":
            adapter.resolve("standard")
            answer(adapter.effective().mode)
        elif child := os.fork():
            adapter.resolve("standard")
            os.waitpid(child, 0)
            return
        else:
            answer(str(os.getpid()))


def answer(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None)
