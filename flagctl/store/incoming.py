"""A backup on its way in: copied privately, brought to this version's schema, examined."""

from __future__ import annotations

import shutil
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from flagctl.errors import InvalidError
from flagctl.store.backup import sha256_of
from flagctl.store.connection import open_connection
from flagctl.store.examine import examine_file
from flagctl.store.files import DataFiles
from flagctl.store.filesystem import create_file
from flagctl.store.migrate import upgrade_file
from flagctl.store.reading import read_state
from flagctl.store.trouble import StoreTroubleError, Trouble

_WHY_NOT = {
    Trouble.EMPTY: "it holds no tables",
    Trouble.NOT_OURS: "it is no database of flagctl's",
    Trouble.NEWER_SCHEMA: "a newer version of flagctl made it: install that version first",
}


@dataclass(frozen=True, slots=True)
class Incoming:
    """A private copy of a backup, ready to be brought into force; `sha256` is the backup's."""

    source: Path
    path: Path
    sha256: str
    revision: int
    trail_problem: str | None


def bring_in(
    files: DataFiles, source: Path, directory: Path, *, accept_broken_trail: bool
) -> Incoming:
    """Return the backup as it can be used; the backup itself is only read.

    Raises:
        InvalidError: it can't be used; the message says why.

    """
    _require_backup(files, source)
    path = directory / "incoming.db"
    try:
        sha256 = _copy(source, path)
        upgrade_file(path)
        found = examine_file(path)
        problem = found.in_the_way(accept_broken_trail=accept_broken_trail)
    except StoreTroubleError as trouble:
        problem = _WHY_NOT.get(trouble.trouble) or str(trouble.__cause__ or trouble)
    except OSError as error:
        problem = str(error.strerror)
    if problem:
        raise InvalidError(
            f"{source} can't be restored: {problem}. Nothing was changed. Take another backup.",
            "path",
        )
    with closing(open_connection(path)) as connection:
        revision = read_state(connection).revision
    return Incoming(source, path, sha256, revision, found.in_the_way(accept_broken_trail=False))


def _require_backup(files: DataFiles, source: Path) -> None:
    if not source.is_file():
        raise InvalidError(f"{source} is no file. Name a backup.", "path")
    if files.control.exists() and source.samefile(files.control):
        raise InvalidError(f"{source} is the database in use. Name a backup of it.", "path")


def _copy(source: Path, path: Path) -> str:
    """Copy the file, and a WAL that was left beside it; return the hash of the file."""
    wal = Path(f"{source}-wal")
    for origin, copy in ((source, path), (wal, Path(f"{path}-wal"))):
        if origin.exists():
            create_file(copy)
            shutil.copyfile(origin, copy)
    return sha256_of(path)
