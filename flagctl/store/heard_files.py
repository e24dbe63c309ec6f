"""When each adapter process was last heard of: the times of empty files, which may be lost.

A process says that it is there every 2 s. Between the times that runtime.db has it, the time of a
file does: one system call, where a transaction costs eight and a page of the log.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from flagctl.store.filesystem import DIRECTORY_MODE, create_file


class HeardFiles:
    """The files of one data directory; what can't be done here is said in runtime.db."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._prefix = f"{directory}{os.sep}"

    def begin(self, process_id: str, heard_s: float) -> None:
        """Make the file of a process, if that can be."""
        with suppress(OSError):
            if not self._directory.exists():
                self._directory.mkdir(exist_ok=True)
                self._directory.chmod(DIRECTORY_MODE)
            create_file(self._directory / process_id)
            self.touch(process_id, heard_s)

    def touch(self, process_id: str, heard_s: float) -> None:
        """Keep that a process is there.

        Raises:
            OSError: that can't be kept here.

        """
        os.utime(self._prefix + process_id, (heard_s, heard_s))

    def end(self, process_id: str) -> None:
        """Remove the file of a process."""
        with suppress(OSError):
            os.unlink(self._prefix + process_id)  # noqa: PTH108 - as everywhere here

    def purge(self, silent_since_s: float) -> None:
        """Remove the files of processes that were not heard of since then (s since 1970)."""
        for process_id, heard_s in self.times_s().items():
            if heard_s < silent_since_s:
                self.end(process_id)

    def times_s(self) -> dict[str, float]:
        """Return when each process was heard of (s since 1970), as far as that can be read."""
        found: dict[str, float] = {}
        with suppress(OSError), os.scandir(self._directory) as entries:
            for entry in entries:
                with suppress(OSError):
                    found[entry.name] = entry.stat(follow_symlinks=False).st_mtime
        return found
