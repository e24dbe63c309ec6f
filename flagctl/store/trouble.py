"""What can be wrong with a database file, told apart (architecture, decision 6)."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

from flagctl.errors import UnavailableError


class Trouble(StrEnum):
    """The kinds of trouble; each has a message and a remedy of its own."""

    MISSING = "missing"
    EMPTY = "empty"
    LOCKED = "locked"
    READ_ONLY = "read-only"
    NO_PERMISSION = "no-permission"
    CORRUPT = "corrupt"
    FULL = "full"
    OLDER_SCHEMA = "older-schema"
    NEWER_SCHEMA = "newer-schema"
    NONSENSE = "nonsense"
    WAL_REMOVED = "wal-removed"
    WENT_BACK = "went-back"
    NOT_OURS = "not-ours"
    VANISHED = "vanished"
    NOT_WHOLE = "not-whole"
    NOT_A_FILE = "not-a-file"
    IO = "io"


_MESSAGES = {
    Trouble.MISSING: "{path} does not exist. Check FLAGCTL_DATA_DIR; if somebody moved the file, "
    "move it back, or bring a backup back with `flagctl db restore`. Where there never was one, "
    "`flagctl db upgrade` makes it.",
    Trouble.EMPTY: "{path} holds no tables: it was truncated, or something else made it. Bring a "
    "backup back with `flagctl db restore`; to begin anew, remove it and run `flagctl db upgrade`.",
    Trouble.LOCKED: "{path} is locked by another process beyond the busy timeout. Nothing was "
    "written. Try again; if it stays so, look for a hanging process with `fuser {path}`.",
    Trouble.READ_ONLY: "{path} can't be written. The data directory must belong to the service "
    "group with mode 2770, and the file to it with mode 660. Nothing was written.",
    Trouble.NO_PERMISSION: "{path} can't be opened: permission denied. This user must be in the "
    "group that owns the data directory (mode 2770).",
    Trouble.CORRUPT: "{path} is damaged. Keep a copy for analysis, then bring the newest backup "
    "back with `flagctl db restore`. Running processes keep the mode they last knew.",
    Trouble.FULL: "The disk under {path} is full. Nothing was written. Free some space, then try "
    "again; `touch BREAK_GLASS` in the data directory lowers the mode meanwhile.",
    Trouble.OLDER_SCHEMA: "{path} has an older schema than this version needs. Run "
    "`flagctl db upgrade`.",
    Trouble.NEWER_SCHEMA: "{path} was written by a newer version of flagctl. Install that "
    "version, or restore a backup made by this one. Nothing was written.",
    Trouble.NONSENSE: "{path} holds a row that this version can't read. See `flagctl audit "
    "verify`, then bring a backup back with `flagctl db restore`.",
    Trouble.NOT_OURS: "{path} is a database, but none of flagctl's. Nothing was written. Check "
    "FLAGCTL_DATA_DIR, or the name of the file.",
    Trouble.NOT_A_FILE: "{path} is a directory. Nothing was written. Move it away, then bring a "
    "backup back with `flagctl db restore`.",
    Trouble.VANISHED: "{path} is gone, and there are traces that it held flags. It is not made "
    "anew, because that would end a rollback. Bring a backup back with `flagctl db restore`; to "
    "begin anew all the same, move the trace away.",
    Trouble.NOT_WHOLE: "{path} is not whole, so no backup was made of it; keep the earlier "
    "ones. See `flagctl db check`.",
    Trouble.WAL_REMOVED: "{path}-wal or {path}-shm was removed or replaced while processes work on "
    "it. Nothing was written. Restart every flagctl process, then compare `flagctl audit list` "
    "with what you know; never touch these two files.",
    Trouble.WENT_BACK: "{path} went back to an earlier revision, which would raise the mode: its "
    "-wal was removed, or an older file was put there. Running processes keep the lower mode until "
    "somebody rolls back again or acts on the flags otherwise. To bring a backup back, use "
    "`flagctl db restore`, which never raises the mode.",
    Trouble.IO: "{path} can't be read from or written to the disk: it fails, or a quota or a "
    "limit on file sizes is reached. Nothing was written; `touch BREAK_GLASS` in the data "
    "directory lowers the mode meanwhile.",
}


class StoreTroubleError(UnavailableError):
    """A database file can't be used; `trouble` says in which way."""

    def __init__(self, trouble: Trouble, path: Path, cause: str = "") -> None:
        message = _MESSAGES[trouble].format(path=path)
        super().__init__(f"{message} ({cause})" if cause else message)
        self.trouble = trouble
        self.path = path


_BY_PRIMARY_CODE = {
    sqlite3.SQLITE_BUSY: Trouble.LOCKED,
    sqlite3.SQLITE_LOCKED: Trouble.LOCKED,
    sqlite3.SQLITE_PROTOCOL: Trouble.LOCKED,
    sqlite3.SQLITE_READONLY: Trouble.READ_ONLY,
    sqlite3.SQLITE_PERM: Trouble.NO_PERMISSION,
    sqlite3.SQLITE_AUTH: Trouble.NO_PERMISSION,
    sqlite3.SQLITE_CANTOPEN: Trouble.NO_PERMISSION,
    sqlite3.SQLITE_CORRUPT: Trouble.CORRUPT,
    sqlite3.SQLITE_NOTADB: Trouble.CORRUPT,
    sqlite3.SQLITE_FORMAT: Trouble.CORRUPT,
    sqlite3.SQLITE_FULL: Trouble.FULL,
    sqlite3.SQLITE_IOERR: Trouble.IO,
}


_OUR_OWN_MISTAKES = (sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.InterfaceError)
"""What SQLite raises when the code is wrong, not the file."""


class NonsenseRowError(ValueError):
    """A row holds something that this version can't read."""


def from_sqlite(error: sqlite3.Error, path: Path) -> StoreTroubleError:
    """Return what a SQLite error means for the person who has to mend it."""
    code, text = getattr(error, "sqlite_errorcode", 0) & 0xFF, str(error)
    if os.path.isdir(path):  # noqa: PTH112 - Path.is_dir raises where it may not look
        return StoreTroubleError(Trouble.NOT_A_FILE, path)
    if code == sqlite3.SQLITE_CANTOPEN:
        return StoreTroubleError(_why_not_opened(path), path)
    if "no such table" in text or _is_emptied(path):
        return StoreTroubleError(Trouble.EMPTY, path)
    if "decode to UTF-8" in text:
        return StoreTroubleError(Trouble.NONSENSE, path, text)
    if code == sqlite3.SQLITE_IOERR and _has_lost_its_wal(path):
        return StoreTroubleError(Trouble.WAL_REMOVED, path, text)
    return StoreTroubleError(_BY_PRIMARY_CODE.get(code, Trouble.IO), path, text)


def _has_lost_its_wal(path: Path) -> bool:
    log, index = (os.path.lexists(f"{path}{end}") for end in ("-wal", "-shm"))
    return index and not log


def _is_emptied(path: Path) -> bool:
    try:
        return path.stat().st_size == 0
    except OSError:
        return False


def _why_not_opened(path: Path) -> Trouble:
    try:
        path.stat()
    except PermissionError:
        return Trouble.NO_PERMISSION
    except OSError:
        return Trouble.MISSING
    return Trouble.NO_PERMISSION


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what SQLite and the rows complain of into trouble that a person can mend.

    Raises:
        StoreTroubleError: the file is at fault. Mistakes of the code pass as they are.

    """
    try:
        yield
    except NonsenseRowError as error:
        raise StoreTroubleError(Trouble.NONSENSE, path, str(error)) from error
    except Exception as error:
        # SQLAlchemy wraps the driver's error.
        cause = getattr(error, "orig", error)
        if isinstance(cause, sqlite3.Error) and not isinstance(cause, _OUR_OWN_MISTAKES):
            raise from_sqlite(cause, path) from error
        raise


_BY_ERRNO = {
    errno.ENOENT: Trouble.MISSING,
    errno.ENOTDIR: Trouble.MISSING,
    errno.EACCES: Trouble.NO_PERMISSION,
    errno.EPERM: Trouble.NO_PERMISSION,
    errno.EROFS: Trouble.READ_ONLY,
    errno.ENOSPC: Trouble.FULL,
    errno.EDQUOT: Trouble.FULL,
}


@contextmanager
def explained_files(path: Path) -> Iterator[None]:
    """Do the same for the operating system's complaints about a file."""
    try:
        yield
    except OSError as error:
        trouble = _BY_ERRNO.get(error.errno or 0, Trouble.IO)
        raise StoreTroubleError(trouble, path, str(error)) from error
