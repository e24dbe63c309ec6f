"""Where each file of the data directory lies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class DataFiles:
    """The files of one data directory (interface, `FLAGCTL_DATA_DIR`)."""

    directory: Path

    @property
    def control(self) -> Path:
        """Flags, audit, people, tokens: small, durable, rarely written."""
        return self.directory / "control.db"

    @property
    def submissions(self) -> Path:
        """Idempotency claims: durable, bounded by their retention."""
        return self.directory / "submissions.db"

    @property
    def runtime(self) -> Path:
        """Heartbeats and counters: may be lost at any time."""
        return self.directory / "runtime.db"

    @property
    def heard(self) -> Path:
        """One empty file for each adapter process: its time is when the process was heard of."""
        return self.directory / "heard"

    @property
    def spool(self) -> Path:
        """One file for each accepted submission that waits for the management node."""
        return self.directory / "spool"

    @property
    def break_glass(self) -> Path:
        """The file that lowers the mode when everything else is down."""
        return self.directory / "BREAK_GLASS"

    @property
    def last_known_good(self) -> Path:
        """What a process that starts without a readable store may still lower its mode by."""
        return self.directory / "last-known-good.json"


def and_beside(database: Path) -> tuple[Path, ...]:
    """Return the file of a database, and those that SQLite may have beside it."""
    return tuple(Path(f"{database}{suffix}") for suffix in ("", "-wal", "-shm", "-journal"))
