"""Another process that has control.db open."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from flagctl.store.files import DataFiles

CONNECTED = """
import sys
from pathlib import Path
from flagctl.store.connection import open_connection
from tests.reader.control import next_revision
connection = open_connection(Path(sys.argv[1]))
"""


@contextmanager
def other_process(files: DataFiles, script: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", CONNECTED + script, str(files.control)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        try:
            yield running
        finally:
            running.kill()
