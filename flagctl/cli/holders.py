"""Which processes have a file open, as far as this user may look."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

PROCESSES: Final = Path("/proc")
COMMAND_MAX_CHARS: Final = 60


def holders(path: Path, removed: str = "") -> list[tuple[int, str]]:
    """Return pid and command of each other process that has the file open.

    With `removed`, which has the file of that ending beside it open though it is gone.
    """
    wanted = os.path.realpath(path)
    if removed:
        wanted = f"{wanted}{removed} (deleted)"
    found = []
    for entry in PROCESSES.glob("[0-9]*"):
        pid = int(entry.name)
        if pid != os.getpid() and wanted in _open_files(entry):
            found.append((pid, _command(entry)))
    return sorted(found)


def _open_files(process: Path) -> set[str]:
    """Return what is open; nothing when the process is gone or another user's."""
    names = set()
    with suppress(OSError):
        for descriptor in (process / "fd").iterdir():
            with suppress(FileNotFoundError):  # closed since it was listed
                names.add(str(descriptor.readlink()))
    return names


def _command(process: Path) -> str:
    try:
        words = (process / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return "?"
    text = " ".join(word.decode(errors="replace") for word in words if word)
    return text[:COMMAND_MAX_CHARS]
