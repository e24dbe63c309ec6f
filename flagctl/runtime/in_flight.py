"""Submissions that are not answered yet, counted under the mode that each began with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from flagctl.vocabulary import Mode


class InFlight:
    """Counts on one event loop; any thread may look."""

    def __init__(self) -> None:
        self._counts = Counter(dict.fromkeys(Mode, 0))

    @contextmanager
    def counted(self, mode: Mode) -> Iterator[None]:
        """Count a submission until it is answered, however it ends."""
        self._counts[mode] += 1
        try:
            yield
        finally:
            self._counts[mode] -= 1

    def by_mode(self) -> Mapping[Mode, int]:
        """Return how many there are now."""
        return {mode: self._counts[mode] for mode in Mode}
