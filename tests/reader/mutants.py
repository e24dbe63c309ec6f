"""Readers that are wrong on purpose, each in one way that somebody might think of."""

import time
from collections.abc import Callable
from pathlib import Path

from flagctl.domain.effective import EffectiveMode
from flagctl.store import mode_reader
from flagctl.store.answer import Reading
from flagctl.store.files import DataFiles
from flagctl.store.follower import Follower
from flagctl.store.mode_reader import ModeReader
from flagctl.store.reading import Snapshot
from flagctl.vocabulary import ModeSignal


class CachesFor50Ms(ModeReader):
    """Asks at most twenty times a second."""

    _until_s = 0.0

    def effective(self) -> EffectiveMode:
        if time.monotonic() >= self._until_s:
            self._cached = super().effective()
            self._until_s = time.monotonic() + 0.05
        return self._cached


class AsksWhenTheMainFileChanged(ModeReader):
    """Trusts the size and time of control.db; in WAL mode no commit touches them."""

    _stat: object = None

    def effective(self) -> EffectiveMode:
        found = self._path.stat()
        stat = (found.st_ino, found.st_size, found.st_mtime_ns)
        if stat != self._stat:
            self._stat = stat
            self._cached = super().effective()
        return self._cached


class LooksAfterReading(Follower):
    """Remembers what the signal said after the read instead of before it."""

    def newest(self) -> Snapshot:
        if self._signal.look() != self.seen:
            self._snapshot = self._read()
            self.seen = self._signal.look()
        return self._snapshot


class LooksOnce(ModeReader):
    """Takes what another thread has just read, without a second look of its own."""

    def _answer(self) -> Reading:
        before = self._reading
        with self._lock:
            if self._reading is not before:
                return self._reading
        return super()._answer()


def with_follower(kind: type[Follower]) -> Callable[..., ModeReader]:
    def make(directory: Path, *, signal: ModeSignal) -> ModeReader:
        mode_reader.Follower = kind  # type: ignore[attr-defined]
        return ModeReader(DataFiles(directory).directory, signal=signal)

    return make


KINDS: dict[str, Callable[..., ModeReader]] = {
    "the real one": ModeReader,
    "a cache of 50 ms": CachesFor50Ms,
    "a key of stat": AsksWhenTheMainFileChanged,
    "the look after the read": with_follower(LooksAfterReading),
    "no second look": LooksOnce,
}
