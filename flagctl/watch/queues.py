"""The queue names that this process was lately asked for; only the names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

NAMES_KEPT: Final = 100
NAME_MAX_CHARS: Final = 255


class AskedQueues:
    """Names not told yet, at most 100: one that comes too late is asked for again.

    Every thread may note one. Nothing waits here: a dict's own operations are whole.
    """

    def __init__(self) -> None:
        self._names: dict[str, None] = {}

    def note(self, name: str) -> None:
        """Remember a name that a request asked for; costs no I/O."""
        trimmed = name.strip()
        is_new = trimmed not in self._names
        if is_new and _can_be_kept(trimmed) and len(self._names) < NAMES_KEPT:
            self._names[trimmed] = None

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing is to be told."""
        return not self._names

    def pending(self) -> tuple[str, ...]:
        """Return what is to be told."""
        return tuple(self._names.copy())

    def settle(self, names: Iterable[str]) -> None:
        """Forget what was told."""
        for name in names:
            self._names.pop(name, None)


def _can_be_kept(name: str) -> bool:
    try:
        return 0 < len(name) <= NAME_MAX_CHARS and bool(name.encode())
    except UnicodeEncodeError:  # half of a surrogate pair, which no file can hold
        return False
