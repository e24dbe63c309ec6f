"""Which files lie where control.db and its two companions belong."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from flagctl.store.trouble import StoreTroubleError, Trouble

SMALLEST_SHM_BYTES = 4096
"""SQLite makes the WAL index 32 KiB large; one that is smaller was truncated by somebody."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The files by inode; `None` stands for a file that is not there.

    Size and time belong to the identity of the main file: in WAL mode only a checkpoint changes
    them, or somebody who writes past SQLite.
    """

    control: tuple[int, int, int, int] | None
    wal: tuple[int, int] | None
    shm: tuple[int, int, bool] | None

    def has_inodes_of(self, other: Identity | None) -> bool:
        """Tell whether these are the same files, be the main one changed or not."""
        if other is None or self.control is None or other.control is None:
            return False
        same_control = self.control[:2] == other.control[:2]
        return same_control and (self.wal, self.shm) == (other.wal, other.shm)


def identify(control: Path) -> Identity:
    """Return what lies at the three paths now.

    Raises:
        StoreTroubleError: the directory can't be looked into; nobody can tell.

    """
    try:
        return Identity(_control(control), _wal(control), _shm(control))
    except PermissionError as error:
        raise StoreTroubleError(Trouble.NO_PERMISSION, control) from error
    except OSError as error:
        raise StoreTroubleError(Trouble.IO, control, str(error)) from error


def _stat(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)  # noqa: PTH116 - this runs twenty times a second
    except (FileNotFoundError, NotADirectoryError):
        return None


def _control(path: Path) -> tuple[int, int, int, int] | None:
    found = _stat(str(path))
    return found and (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


def _wal(control: Path) -> tuple[int, int] | None:
    found = _stat(f"{control}-wal")
    return found and (found.st_dev, found.st_ino)


def _shm(control: Path) -> tuple[int, int, bool] | None:
    found = _stat(f"{control}-shm")
    return found and (found.st_dev, found.st_ino, found.st_size >= SMALLEST_SHM_BYTES)
