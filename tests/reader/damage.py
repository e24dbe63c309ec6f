"""Ways to damage a control.db, and what the trouble is then called."""

import os
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from flagctl.store.connection import open_connection
from flagctl.store.files import DataFiles
from flagctl.store.trouble import Trouble

Damage = Callable[[DataFiles], object]


def write_over(path: Path, offset: int, content: bytes) -> None:
    """Overwrite a piece of the file past SQLite, the way a broken disk or a person does."""
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(content)


def schema_named(name: str) -> Damage:
    def damage(files: DataFiles) -> None:
        with closing(open_connection(files.control)) as connection:
            connection.execute("UPDATE alembic_version SET version_num = ?", (name,))

    return damage


def statement(text: str) -> Damage:
    def damage(files: DataFiles) -> None:
        with closing(open_connection(files.control)) as connection:
            connection.execute("PRAGMA foreign_keys=OFF")
            connection.execute("PRAGMA ignore_check_constraints=ON")
            connection.executescript(text)

    return damage


def vanish(files: DataFiles) -> None:
    for path in files.directory.glob("control.db*"):
        path.unlink()


def replaced_by(content: bytes) -> Damage:
    """A file renamed over control.db, the old WAL gone: what a careful copy does."""

    def damage(files: DataFiles) -> None:
        new = files.directory / "new"
        new.write_bytes(content)
        new.rename(files.control)
        for suffix in ("-wal", "-shm"):
            Path(f"{files.control}{suffix}").unlink()

    return damage


PAGE = 4096
TROUBLES: dict[str, tuple[Damage, Trouble]] = {
    "deleted": (lambda files: files.control.unlink(), Trouble.MISSING),
    "deleted with its companions": (vanish, Trouble.MISSING),
    "the directory deleted": (lambda files: shutil.rmtree(files.directory), Trouble.MISSING),
    "replaced by an empty file": (replaced_by(b""), Trouble.EMPTY),
    "replaced by some other file": (replaced_by(b"hello, world\n" * 500), Trouble.CORRUPT),
    "emptied": (lambda files: os.truncate(files.control, 0), Trouble.EMPTY),
    "cut in the middle": (lambda files: os.truncate(files.control, 2 * PAGE), Trouble.CORRUPT),
    "its header overwritten": (
        lambda files: write_over(files.control, 0, b"\xff" * 100),
        Trouble.CORRUPT,
    ),
    "every page but the first overwritten": (
        lambda files: write_over(files.control, PAGE, b"\xff" * 40 * PAGE),
        Trouble.CORRUPT,
    ),
    "of a newer schema": (schema_named("9999"), Trouble.NEWER_SCHEMA),
    "a mode that nobody knows": (
        statement("UPDATE flag SET mode = 'warp'"),
        Trouble.NONSENSE,
    ),
    "a time that is none": (statement("UPDATE flag SET started_at = 'noon'"), Trouble.NONSENSE),
    "a number that is none": (statement("UPDATE control SET revision = 'x'"), Trouble.NONSENSE),
    "a number without bounds": (statement("UPDATE control SET revision = 9e999"), Trouble.NONSENSE),
    "bytes for a word": (statement("UPDATE flag SET kind = x'ff'"), Trouble.NONSENSE),
    "text that is none": (
        statement("UPDATE flag SET owner = CAST(x'ff' AS TEXT)"),
        Trouble.NONSENSE,
    ),
    "no revision counter": (statement("DELETE FROM control"), Trouble.NONSENSE),
    "two revision counters": (statement("INSERT INTO control VALUES (2, 7)"), Trouble.NONSENSE),
    "a token with nonsense for workspaces": (
        statement(
            "INSERT INTO token (name, secret_hash, tenant_id, workspace_ids, issued_by, issued_at)"
            " VALUES ('ci', 'abc', 't1', '[[]]', 'os:anna', '2026-05-01T12:00:00.000000Z')"
        ),
        Trouble.NONSENSE,
    ),
    "a table dropped": (statement("DROP TABLE token"), Trouble.EMPTY),
    "a table of another shape": (
        statement("ALTER TABLE flag RENAME COLUMN mode TO way"),
        Trouble.NONSENSE,
    ),
}
