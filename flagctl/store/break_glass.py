"""The break-glass file: the way to lower the mode when everything else is down."""

from __future__ import annotations

import os
import pwd
import socket
import stat
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

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
        modified_at=datetime.fromtimestamp(entry.st_mtime, UTC),
    )


def _asked_mode(path: Path) -> Mode:
    try:
        mode = Mode(_content(path).decode("ascii").strip())
    except (OSError, ValueError):
        return EMERGENCY_MODE
    return mode if mode in BREAK_GLASS_MODES else EMERGENCY_MODE


def _content(path: Path) -> bytes:
    # Whoever made it may have made a FIFO or a device: opening must not wait for a writer.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(f"{path} is no regular file")
        content = os.read(descriptor, READ_AT_MOST_BYTES)
    finally:
        os.close(descriptor)
    if len(content) == READ_AT_MOST_BYTES:
        raise ValueError(f"{path} is too long for a mode")
    return content


def _owner(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
