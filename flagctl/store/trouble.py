"""What can be wrong with a database file, told apart (architecture, decision 6)."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
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
    IO = "io"


_MESSAGES = {
    Trouble.MISSING: "{path} does not exist. Run `flagctl db upgrade` to create it, or "
    "`flagctl db restore` to bring a backup back; check FLAGCTL_DATA_DIR first.",
    Trouble.EMPTY: "{path} holds no tables. Run `flagctl db upgrade` if it is meant to be new; "
    "else bring a backup back with `flagctl db restore`.",
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
    Trouble.IO: "{path} can't be read from or written to the disk.",
}


class StoreTroubleError(UnavailableError):
    """A database file can't be used; `trouble` says in which way."""

    def __init__(self, trouble: Trouble, path: Path, cause: str = "") -> None:
        message = _MESSAGES[trouble].format(path=path)
        super().__init__(f"{message} (SQLite says: {cause})" if cause else message)
        self.trouble = trouble
        self.path = path


_BY_PRIMARY_CODE = {
    sqlite3.SQLITE_BUSY: Trouble.LOCKED,
    sqlite3.SQLITE_LOCKED: Trouble.LOCKED,
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


@dataclass(frozen=True, slots=True)
class _Symptom:
    code: int
    text: str


def from_sqlite(error: sqlite3.Error, path: Path) -> StoreTroubleError:
    """Return what a SQLite error means for the person who has to mend it."""
    symptom = _Symptom(getattr(error, "sqlite_errorcode", 0) & 0xFF, str(error))
    if symptom.code == sqlite3.SQLITE_CANTOPEN and not path.exists():
        return StoreTroubleError(Trouble.MISSING, path)
    if "no such table" in symptom.text:
        return StoreTroubleError(Trouble.EMPTY, path)
    trouble = _BY_PRIMARY_CODE.get(symptom.code, Trouble.IO)
    return StoreTroubleError(trouble, path, symptom.text)
