"""The break-glass file: the way to lower the mode when everything else is down."""

from __future__ import annotations

import os
import pwd
import socket
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from flagctl.store.small_file import read_small_file
from flagctl.vocabulary import BREAK_GLASS_MODES, EMERGENCY_MODE, Mode

READ_AT_MOST_BYTES: Final = 64


@dataclass(frozen=True, slots=True)
class BreakGlass:
    """A break-glass file as it was seen. `file_owner` is an unproven claim (decision 7)."""

    mode: Mode
    host: str
    path: Path
    file_owner: str
    modified_at: datetime


def look(path: Path, last: BreakGlass | None = None) -> BreakGlass | None:
    """Return what the file asks for, or `None` when there is none; never raises.

    Whatever lies there and does not name a mode of `BREAK_GLASS_MODES` means `EMERGENCY_MODE`.
    When nobody can tell whether it is there (the directory can't be searched), `last` stands.
    """
    try:
        entry = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        return last
    return BreakGlass(
        mode=_asked_mode(path),
        host=socket.gethostname(),
        path=path,
        file_owner=_owner(entry.st_uid),
        modified_at=_time(entry.st_mtime),
    )


def _asked_mode(path: Path) -> Mode:
    try:
        mode = Mode(read_small_file(path, READ_AT_MOST_BYTES).decode("ascii").strip())
    except (OSError, ValueError):
        return EMERGENCY_MODE
    return mode if mode in BREAK_GLASS_MODES else EMERGENCY_MODE


def _owner(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _time(timestamp_s: float) -> datetime:
    try:
        return datetime.fromtimestamp(timestamp_s, UTC)
    except (ValueError, OverflowError, OSError):  # `touch` can set times that no calendar has
        return datetime.fromtimestamp(0, UTC)


class BreakGlassKeeper:
    """Knows which break-glass file is in force, when a file that is gone still is.

    In trouble, nobody could record the file in the store yet; and a process that takes files over
    into flags keeps each until it is one. Either way removing the file does not re-arm (decision
    7).
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._in_force: BreakGlass | None = None
        self._taken_over: BreakGlass | None = None
        self._holds = False

    def hold(self) -> None:
        """From now on keep a file in force until it was taken over."""
        self._holds = True

    def release(self, taken_over: BreakGlass) -> None:
        """Let a file go that is a flag by now, if it is still the one that was seen."""
        if self._in_force == taken_over:
            self._taken_over = taken_over

    def see(self, *, in_trouble: bool) -> BreakGlass | None:
        """Look for the file and return the one that is in force."""
        found = look(self._path, self._in_force)
        held = self._holds and self._in_force != self._taken_over
        if found is not None:
            self._in_force = found
        elif not in_trouble and not held:
            self._in_force = self._taken_over = None
        return self._in_force
