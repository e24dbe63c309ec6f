"""When to try again what has failed."""

from __future__ import annotations

from math import inf


class Retry:
    """Waits longer after each failure in a row; its clock is the caller's, in seconds."""

    def __init__(self, first_s: float, at_most_s: float) -> None:
        self._first_s = self._pause_s = first_s
        self._at_most_s = at_most_s
        self._due_at_s = -inf

    def is_due(self, now_s: float) -> bool:
        """Tell whether it is time for the next attempt."""
        return now_s >= self._due_at_s

    def failed(self, now_s: float) -> None:
        """Put the next attempt off."""
        self._due_at_s = now_s + self._pause_s
        self._pause_s = min(2 * self._pause_s, self._at_most_s)

    def begin_anew(self) -> None:
        """Make the next attempt due at once, and patient only after it."""
        self._pause_s, self._due_at_s = self._first_s, -inf
