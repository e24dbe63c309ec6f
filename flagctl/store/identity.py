"""Which files lie where control.db and its two companions belong."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from flagctl.store.trouble import explained_files

SMALLEST_SHM_BYTES = 4096
"""SQLite makes the WAL index 32 KiB large; one that is smaller was truncated by somebody."""


Names = tuple[int, int, int]
MainFile = tuple[int, int, int, int]

TICK_AT_MOST_NS: Final = 2_000_000_000
"""Most file systems tell times by the millisecond, ext4 with small inodes by the second, and none
less finely than FAT."""


class Identity(NamedTuple):
    """The files by inode; `None` stands for a file that is not there.

    Size and time belong to the identity of the main file: in WAL mode only a checkpoint changes
    them, or somebody who writes past SQLite.
    """

    control: MainFile | None
    wal: tuple[int, int] | None
    shm: tuple[int, int, bool] | None

    def has_inodes_of(self, other: Identity | None) -> bool:
        """Tell whether these are the same files, be the main one changed or not."""
        if other is None or self.control is None or other.control is None:
            return False
        same_control = self.control[:2] == other.control[:2]
        return same_control and (self.wal, self.shm) == (other.wal, other.shm)


class Entries:
    """The names in a directory: one look tells of every file that was made, removed or renamed.

    By the time of its last change of any kind, because whoever copies files back may set the time
    of its last new name to what it was.
    """

    def __init__(self, directory: Path, clock_ns: Callable[[], int] = time.time_ns) -> None:
        self._path = str(directory)
        self._clock_ns = clock_ns

    def look(self) -> Names | None:
        """Return what `now` returns until a name changes, `None` when nobody can tell.

        Nobody can of a moment ago: another change within the same tick would not show.
        """
        found = self.now()
        if found is None or abs(self._clock_ns() - found[-1]) < TICK_AT_MOST_NS:
            return None
        return found

    def now(self) -> Names | None:
        """Return what to hold against an earlier look, `None` when nobody can tell."""
        try:
            found = os.stat(self._path)  # noqa: PTH116 - often done
        except OSError:
            return None
        return found.st_dev, found.st_ino, found.st_ctime_ns


class Places:
    """The three paths of a database. Looking at them is paid for twenty times a second."""

    def __init__(self, control: Path) -> None:
        self._path = control
        self._control, self._wal, self._shm = (f"{control}{end}" for end in ("", "-wal", "-shm"))

    def identify(self) -> Identity:
        """Return what lies there now.

        Raises:
            StoreTroubleError: the directory can't be looked into; nobody can tell.

        """
        try:
            control, wal, shm = _stat(self._control), _stat(self._wal), _stat(self._shm)
        except OSError:
            with explained_files(self._path):
                raise
        return Identity(
            control and _main_file(control),
            wal and (wal.st_dev, wal.st_ino),
            shm and (shm.st_dev, shm.st_ino, shm.st_size >= SMALLEST_SHM_BYTES),
        )

    def has_main_file(self, control: MainFile | None) -> bool:
        """Tell whether that main file lies there unchanged; `False` when nobody can tell."""
        try:
            found = _stat(self._control)
        except OSError:
            return False
        return (found and _main_file(found)) == control


def _main_file(found: os.stat_result) -> MainFile:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _stat(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)  # noqa: PTH116 - see above
    except (FileNotFoundError, NotADirectoryError):
        return None
