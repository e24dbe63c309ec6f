"""Which process holds a claim, and whether it is provably gone."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")
_UNKNOWN: Final = "?"
_START_TIME_FIELD: Final = 22 - 3
"""Where `proc(5)` has the start time, counted from the field after the command's name."""


def claimer_id() -> str:
    """Return a name for this process that no other one ever has on this host."""
    pid = os.getpid()
    return _claimer(pid, _started(pid) or _UNKNOWN)


def is_provably_gone(claimer: str) -> bool:
    """Tell whether the process of that name has ended, for certain.

    A process in another container can't be seen from here, so nothing is certain about it. Of
    an earlier boot of this host nothing runs.
    """
    boot, namespace, pid, started = claimer.split("/")
    if _UNKNOWN in (boot, namespace, started):
        return False
    own_boot, own_namespace, _, _ = claimer_id().split("/")
    if boot != own_boot:
        return own_boot != _UNKNOWN
    return namespace == own_namespace and _started(int(pid)) != started


def _claimer(pid: int, started: str) -> str:
    return f"{boot_id()}/{_pid_namespace()}/{pid}/{started}"


@cache
def boot_id() -> str:
    """Return the id of this boot of the host, `?` where nobody says."""
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return _UNKNOWN


def _pid_namespace() -> str:
    try:
        return str((_PROC / "self/ns/pid").readlink())
    except OSError:
        return _UNKNOWN


def _started(pid: int) -> str | None:
    """Return when the process started, in ticks since the boot; `None` when there is none.

    A process that has died and was not waited for yet counts as none.
    """
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else fields[_START_TIME_FIELD]
