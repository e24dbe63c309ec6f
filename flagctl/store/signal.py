"""What tells that something was committed: a small contract, and which implementation to take."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from mmap import mmap
from pathlib import Path
from typing import Protocol

from flagctl.store.fast_signal import FastSignal
from flagctl.store.plain_signal import PlainSignal
from flagctl.store.wal_index import UnusableWalIndexError
from flagctl.vocabulary import ModeSignal


class ChangeSignal(Protocol):
    """Tells that something was committed, not what.

    Take a look *before* reading the store and keep it: as long as a later look is equal, what
    was read is what the store holds.
    """

    def look(self) -> bytes | int:
        """Return a value that differs from every earlier one once somebody has committed."""

    def agrees(self) -> bool:
        """Tell whether SQLite confirms what the looks said since it was last asked."""

    def close(self) -> None:
        """Let go of everything but the connection."""

    @property
    def mapping(self) -> mmap | None:
        """Return memory whose `HEADER` equals the look, for who can't afford a call."""


@dataclass(frozen=True, slots=True)
class SignalInUse:
    """Which signal runs, and why that one."""

    kind: ModeSignal
    why: str


def open_signal(
    wanted: ModeSignal, connection: sqlite3.Connection, control: Path
) -> tuple[ChangeSignal, SignalInUse]:
    """Return the signal that was asked for, or the plain one where the fast one can't be.

    Raises:
        sqlite3.Error: the file can't be read.

    """
    if wanted is ModeSignal.PLAIN:
        return PlainSignal(connection), SignalInUse(ModeSignal.PLAIN, "it was asked for")
    try:
        signal = FastSignal(connection, control)
    except UnusableWalIndexError as reason:
        return PlainSignal(connection), SignalInUse(ModeSignal.PLAIN, str(reason))
    why = "the WAL index is as it should be, and SQLite confirms it every 50 ms"
    return signal, SignalInUse(ModeSignal.FAST, why)
