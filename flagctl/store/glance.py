"""A look at the data directory that costs next to nothing: has anything happened there?"""

from __future__ import annotations

from pathlib import Path

from flagctl.store.files import DataFiles, and_beside

Signs = tuple[tuple[int, int, int] | None, ...]


def glance(files: DataFiles) -> Signs:
    """Return what a commit to control.db or a break-glass file would change.

    Nothing but a hint: a commit may go by unseen, and one that is seen may be of no interest.
    """
    database, wal, *_ = and_beside(files.control)
    return tuple(_sign(path) for path in (database, wal, files.break_glass))


def _sign(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
