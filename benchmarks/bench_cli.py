"""Commands as whole processes, on a control database of their own.

`flagctl status` is to take less than 300 ms and `flagctl rollback` less than 1 s.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from benchmarks.measure import Result, interleaved
from flagctl.store.files import DataFiles
from flagctl.store.migrate import upgrade
from flagctl.vocabulary import EMERGENCY_MODE

ROUNDS = 15


def run() -> list[Result]:
    with tempfile.TemporaryDirectory() as directory:
        files = DataFiles(Path(directory, "var"))
        upgrade(files)
        environment = {**os.environ, "FLAGCTL_DATA_DIR": str(files.directory)}
        reason = ("--reason", "measured")
        timed = interleaved(
            {
                "python -c pass": command(environment, "-c", "pass"),
                "flagctl status": flagctl(environment, "status"),
                "flagctl status --json": flagctl(environment, "status", "--json"),
                "flagctl rollback": flagctl(environment, "rollback", EMERGENCY_MODE, *reason),
                "flagctl audit list": flagctl(environment, "audit", "list"),
                "flagctl --help": flagctl(environment, "--help"),
            },
            rounds=ROUNDS,
        )
    return [in_milliseconds(each) for each in timed]


def in_milliseconds(each: Result) -> Result:
    return replace(each, median=each.median / 1000, p99=each.p99 / 1000, unit="ms")


def flagctl(environment: dict[str, str], *words: str) -> Callable[[], None]:
    return command(environment, "-m", "flagctl", *words)


def command(environment: dict[str, str], *words: str) -> Callable[[], None]:
    def once() -> None:
        subprocess.run(
            [sys.executable, *words], env=environment, check=True, stdout=subprocess.DEVNULL
        )

    return once
