"""Copies of control.db that are whole, also while everybody works on it."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from flagctl.domain.effective import by_flags
from flagctl.errors import InvalidError, UnavailableError
from flagctl.store.audit_log import head_of
from flagctl.store.connection import BUSY_TIMEOUT_S, open_connection, open_control_for_reading
from flagctl.store.examine import examine_file
from flagctl.store.files import DataFiles, and_beside
from flagctl.store.filesystem import create_file, sync
from flagctl.store.reading import read_state
from flagctl.store.trouble import StoreTroubleError, Trouble, from_sqlite
from flagctl.vocabulary import Mode

SQLITE_MAGIC = b"SQLite format 3\0"


@dataclass(frozen=True, slots=True)
class Backup:
    """A finished backup. `head_hash` is that of the trail's last event: keep it elsewhere too."""

    path: Path
    sha256: str
    size_bytes: int
    revision: int
    by_flags: Mode
    events: int
    head_hash: str


def backup(
    files: DataFiles,
    target: Path,
    *,
    accept_broken_trail: bool = False,
    busy_timeout_s: float = BUSY_TIMEOUT_S,
) -> Backup:
    """Copy control.db to the one file `target`, examined; an earlier backup there is replaced.

    Raises:
        InvalidError: `target` is no place for a backup.
        StoreTroubleError: control.db can't be read or is not whole; `target` is left as it was.
        UnavailableError: `target` can't be written.

    """
    _require_place_for_backup(files, target)
    with _written_whole(target) as part:
        copy_database(files.control, part, busy_timeout_s)
        found = examine_file(part).in_the_way(accept_broken_trail=accept_broken_trail)
        if found:
            raise StoreTroubleError(Trouble.NOT_WHOLE, files.control, found)
        return _described(part, target)


def _described(part: Path, target: Path) -> Backup:
    with closing(open_connection(part)) as connection:
        state, (events, head_hash) = read_state(connection), head_of(connection)
    return Backup(
        path=target,
        sha256=sha256_of(part),
        size_bytes=part.stat().st_size,
        revision=state.revision,
        by_flags=by_flags(state),
        events=events,
        head_hash=head_hash,
    )


def copy_database(source: Path, target: Path, busy_timeout_s: float = BUSY_TIMEOUT_S) -> None:
    """Copy a live control.db into a new file, as of one moment and without keeping anybody.

    Raises:
        StoreTroubleError: the source can't be read, or the target can't be written.

    """
    create_file(target)
    opened = open_control_for_reading(source, busy_timeout_s=busy_timeout_s)
    with closing(opened) as live, closing(open_connection(target)) as copy:
        try:
            live.backup(copy)
            # One file that opens everywhere, on a read-only medium too.
            copy.execute("PRAGMA journal_mode=DELETE")
        except sqlite3.Error as error:
            told = from_sqlite(error, source)
            if told.trouble in _OF_WRITING:
                told = StoreTroubleError(told.trouble, target, str(error))
            raise told from error


_OF_WRITING = (Trouble.FULL, Trouble.READ_ONLY, Trouble.IO)


def sha256_of(path: Path) -> str:
    """Return the hash of a file that no connection of this process has open."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


@contextmanager
def _written_whole(target: Path) -> Iterator[Path]:
    """Give a file to write beside the target; it takes the target's name once all went well."""
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        yield part
        sync(part)
        part.replace(target)
        sync(target.parent)
    except OSError as error:
        raise UnavailableError(
            f"The backup can't be written to {target}: {error.strerror}. Nothing was replaced. "
            "Check the directory, its permissions and the room on its disk."
        ) from error
    finally:
        for path in and_beside(part):
            path.unlink(missing_ok=True)


def _require_place_for_backup(files: DataFiles, target: Path) -> None:
    ours = (files.control, files.submissions, files.runtime)
    taken = {each for path in ours for each in and_beside(path.resolve())}
    if target.resolve() in taken or any(_is_same_file(target, path) for path in taken):
        raise InvalidError(f"{target} is in use by flagctl. Name another file.", "path")
    if target.is_dir():
        raise InvalidError(f"{target} is a directory. Name a file in it.", "path")
    if target.exists() and not _is_database(target):
        raise InvalidError(
            f"{target} is there and is no backup; it is left alone. Name another file.", "path"
        )


def _is_same_file(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False


def _is_database(path: Path) -> bool:
    try:
        with path.open("rb") as content:
            return content.read(len(SQLITE_MAGIC)) == SQLITE_MAGIC
    except OSError:
        return False
