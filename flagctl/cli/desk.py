"""What every command works with: settings, files, the time, and who is at the keyboard."""

from __future__ import annotations

import os
import pwd
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flagctl.cli.say import warn
from flagctl.domain import fields
from flagctl.domain.change import Actor
from flagctl.settings import Settings, load_settings, load_usable_settings
from flagctl.store.files import DataFiles
from flagctl.vocabulary import Door, Role

if TYPE_CHECKING:  # SQLAlchemy takes longer to load than `flagctl status` may take
    import sqlite3

    from flagctl.store.writing import ControlStore


def now() -> datetime:
    """Return the time, aware and in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Desk:
    """The settings of this command and the files that they point at."""

    settings: Settings
    files: DataFiles

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Give a read-only connection to control.db; everything on it is of one moment."""
        from flagctl.store.reading import reading

        with reading(self.files, self.settings.busy_timeout_s) as connection:
            yield connection

    def store(self) -> ControlStore:
        """Return the writer of control.db."""
        from flagctl.store.writing import ControlStore

        return ControlStore(self.files, now, self.settings.busy_timeout_s)


def sit_down(*, strict: bool = False) -> Desk:
    """Return the desk of this process.

    A setting that can't be used stands in nobody's way to the safer mode: unless `strict`, it is
    said and left at its default.

    Raises:
        MisconfiguredError: a setting can't be used and `strict` is asked for.

    """
    if strict:
        settings = load_settings()
    else:
        settings, problems = load_usable_settings()
        for problem in problems:
            warn(f"{problem} This command goes on without it.")
    return Desk(settings, DataFiles(settings.data_dir))


def invoking_actor(claim: str | None = None) -> Actor:
    """Return who runs this command: the effective user, which file permissions go by.

    Whoever may write the database may do anything to it, so the role is administrator; `claim`
    is kept beside the proven name.
    """
    said = None if claim is None else fields.name(claim, "actor")
    return Actor(f"os:{_user_name()}", Role.ADMIN, Door.CLI, said)


def _user_name() -> str:
    uid = os.geteuid()
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def is_terminal() -> bool:
    """Tell whether a person can answer a question here."""
    return sys.stdin is not None and sys.stdin.isatty()
