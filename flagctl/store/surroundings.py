"""What no change signal tells: where the files of control.db lie, looked at 20 times a second.

All of it takes four system calls, each of them with cold caches [90 µs of a request that meets
the look]. As long as no name in the directory and not the main file changed, two tell all of it but
the size of `-shm`, which a look in full sees once a second.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

from flagctl.store.identity import Entries, Identity, MainFile, Names, Places
from flagctl.store.trouble import StoreTroubleError

SETTLED_AT_MOST_S: Final = 1.0
"""How long what was seen is relied on when nothing seems to have moved: a file may be mounted over
another, and some file systems keep no time of a directory."""


class _Settled(NamedTuple):
    names: Names
    control: MainFile | None
    until_s: float


class Surroundings:
    """What lies where control.db and its companions belong, and whether that is still so."""

    def __init__(self, control: Path) -> None:
        self._places = Places(control)
        self._entries = Entries(control.parent)
        self._names: Names | None = None
        self._settled: _Settled | None = None

    def look(self, last: Identity | None) -> tuple[Identity | None, StoreTroubleError | None]:
        """Return what lies there now, or `last` and why nobody can tell."""
        self._settled = None
        self._names = self._entries.look()  # before the files: what moves meanwhile shows later
        try:
            return self._places.identify(), None
        except StoreTroubleError as error:
            return last, error

    def after(self, before: Identity | None) -> Identity | None:
        """Return what lies there now; `None` when the main file changed, or nobody can tell."""
        try:
            after = self._places.identify()
        except StoreTroubleError:
            return None
        return after if before is None or after.control == before.control else None

    def settle(self, seen: Identity, now_s: float) -> None:
        """Rely on what the last look saw, and on no other file of interest being there."""
        if self._names is not None:
            self._settled = _Settled(self._names, seen.control, now_s + SETTLED_AT_MOST_S)

    def are_settled(self, now_s: float) -> bool:
        """Tell whether a look would see what the last one saw."""
        settled = self._settled
        return (
            settled is not None
            and now_s < settled.until_s
            and self._entries.now() == settled.names
            and self._places.has_main_file(settled.control)
        )
