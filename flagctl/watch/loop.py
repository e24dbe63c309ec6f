"""The background thread of an adapter process: heartbeats, and sightings for the trail."""

from __future__ import annotations

import logging
import os
import random
import socket
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import uuid4

from flagctl import __version__
from flagctl.domain.effective import EffectiveMode
from flagctl.domain.process import FIRST_USES_KEPT, ProcessReport
from flagctl.store.files import DataFiles
from flagctl.store.identity import Entries
from flagctl.store.mode_reader import ModeReader, Reading
from flagctl.store.runtime_db import ProcessRegistry
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Mode, Part
from flagctl.watch.bell import Bell
from flagctl.watch.queues import AskedQueues
from flagctl.watch.sightings import Place, Sightings
from flagctl.watch.tally import Tally
from flagctl.watch.thoughts import Judge, Thoughts
from flagctl.watch.told import Told

log = logging.getLogger(__name__)

TURN_EVERY_S: Final = 2.0
"""How often a process says that it is there when nothing changed (decision 14), and how long an
idle one may take to follow a flip; a busy one reports what its next request used."""

CHANGES_APART_S: Final = 0.05
"""The least time between two reports: a hundred flips a second must not become as many writes."""

STORE_BUSY_TIMEOUT_S: Final = 1.0
"""What can't be told now is told with a later turn; heartbeats must not wait for it."""


class Watch:
    """Tells the registry what is in force in this process, and the trail what it sees.

    Make one per process, and start it in the process that answers requests, after any fork.
    Trouble with runtime.db or control.db stops neither the thread nor any request.

    Args:
        files: the data directory.
        reader: the reader that the requests of this process use.
        pin: the mode that the environment of this process pins.
        clock: tells the time, aware and in UTC.
        part: what the process is part of.
        in_flight: tells the submissions not yet answered, by the mode that they began with.
        tally: what the requests of this process count.
        judge: tells what this process thinks of the top mode.
        queues: the queue names that its requests ask for.
        policy_path: the queue policy file, if there is one.
        policy_sha256: tells the hash of that file; `None` when it can't be read.

    """

    def __init__(
        self,
        files: DataFiles,
        reader: ModeReader,
        *,
        pin: Mode | None,
        clock: Callable[[], datetime],
        part: Part = Part.RUNTIME,
        in_flight: Callable[[], Mapping[Mode, int]] = dict,
        tally: Tally | None = None,
        judge: Judge | None = None,
        queues: AskedQueues | None = None,
        policy_path: Path | None = None,
        policy_sha256: Callable[[], str | None] = lambda: None,
    ) -> None:
        self._reader = reader
        self._clock = clock
        self._in_flight = in_flight
        self._tally = Tally() if tally is None else tally
        self._thoughts = Thoughts(judge, AskedQueues() if queues is None else queues)
        self._place = Place(socket.gethostname(), part, pin, policy_path)
        self._registry = ProcessRegistry(files)
        store = ControlStore(files, clock, STORE_BUSY_TIMEOUT_S)
        self._sightings = Sightings(files, store, self._place, clock, policy_sha256)
        self._noted: EffectiveMode | None = None
        self._first_used: dict[int, datetime] = {}
        self._said: EffectiveMode | None = None
        self._said_in_flight: Mapping[Mode, int] = {}
        self._entries = Entries(files.directory)
        self._told: Told | None = None
        self._problem: str | None = None
        self._stopping = threading.Event()
        self._bell = Bell()
        self._thread: threading.Thread | None = None

    @property
    def host(self) -> str:
        """Return the name of the host, as it is told."""
        return self._place.host

    def start(self) -> None:
        """Begin to watch; the process is heard of before this returns.

        Else a decision could miss its pin: a rollback that lowers only this process would be
        answered as done already.
        """
        self.register()
        self._safely(lambda: self._say(self._reader.read()))
        self._begin()

    def start_behind(self) -> None:
        """Begin to watch without waiting for any file; the thread says at once that it is there."""
        self.register()
        self._begin()

    def register(self) -> None:
        """Take an id, without a thread: whoever calls this takes the turns."""
        self.process_id = uuid4().hex
        self._started_at = self._clock()
        self._reader.hold_break_glass()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Say goodbye and end the thread; one that hangs on a disk is left behind."""
        self._stopping.set()
        self._bell.ring()
        if self._thread not in (None, threading.current_thread()):
            self._thread.join(timeout_s)

    @property
    def trouble(self) -> str | None:
        """Return what keeps this process from being heard of; `None` when nothing does."""
        return self._registry.trouble

    def note(self, used: EffectiveMode) -> None:
        """Hear what a request has just used; a change is reported at once. Costs no I/O."""
        if used is not self._noted:
            self._noted = used
            self._date(used.revision)
            if used != self._said:
                self._bell.ring()

    def hurry(self) -> None:
        """Take a turn soon: there is something new to say. Any thread may ask for it."""
        self._bell.ring()

    def turn(self) -> None:
        """Say what is in force and tell what is seen; what the thread does over and over.

        Nearly always nothing is new in an idle process: then only that it is there.
        """
        now = self._clock()
        if not self._is_all_said(now):
            self._say_all(now)
        if not self._thoughts.are_told(now):
            self._thoughts.tell(self._registry, self.process_id, now)

    def _is_all_said(self, now: datetime) -> bool:
        """Tell whether nothing but the time is new, and keep that.

        64 processes that said all in each turn would cost 2 % of a core together.
        """
        told, now_s = self._told, now.timestamp()
        return (
            told is not None
            and told.at_s <= now_s < told.until_s
            and self._reader.unchanged() is told.reading
            and self._entries.now() == told.entries
            and self._tally.is_empty
            and self._in_flight() == self._said_in_flight
            and self._sightings.is_all_told
            and self._registry.touch(self.process_id, now_s)
        )

    def _say_all(self, now: datetime) -> None:
        self._told, entries = None, self._entries.look()
        reading = self._reader.read()
        self._say(reading)
        self._sightings.let_go(reading.trouble)
        self._sightings.tell(reading)
        glass = reading.break_glass
        if glass is not None:
            if self._sightings.is_kept(glass, reading):
                self._reader.release_break_glass(glass)
        elif self._said == reading.effective and entries is not None:
            self._told = Told.at(now, reading, entries)

    def goodbye(self) -> None:
        """Be forgotten, and let go of the files."""
        counts = self._tally.pending()
        if self._registry.goodbye(self.process_id, counts):
            self._tally.settle(counts)
        self._sightings.close()

    def _begin(self) -> None:
        self._thread = threading.Thread(target=self._run, name="flagctl-watch", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        self._safely(self.turn)
        # Many processes started at once must not beat at once for ever.
        pause_s = random.SystemRandom().uniform(0, TURN_EVERY_S)
        while not self._stopping.is_set():
            is_called = self._bell.is_rung_within(pause_s)
            if not self._stopping.is_set():
                self._safely(self.turn)
            if is_called:
                self._stopping.wait(CHANGES_APART_S)
            pause_s = TURN_EVERY_S
        self.goodbye()

    def _safely(self, work: Callable[[], None]) -> None:
        """Do it; what went wrong is logged once per kind, and the process lives on."""
        try:
            work()
        except Exception as error:
            if repr(error) != self._problem:
                self._problem = repr(error)
                log.exception("The watch failed and goes on; no request is touched by it.")

    def _say(self, reading: Reading) -> None:
        mode, in_flight = reading.effective, self._in_flight()
        self._date(mode.revision)
        self._tally.be_here(mode)
        counts = self._tally.pending()
        is_said = (mode, in_flight) == (self._said, self._said_in_flight)
        if is_said and self._registry.still_here(self.process_id, self._clock(), counts):
            self._tally.settle(counts)
            return
        self._said = None  # until it is kept: what stands there may be of another revision
        self._thoughts.forget_telling()  # it may be another file by now
        report = self._report(mode, in_flight)
        if self._registry.beat(report, counts):
            self._tally.settle(counts)
        elif not (counts and self._registry.beat(report)):
            return  # not even that the process is there, whatever keeps the counts from being kept
        self._said, self._said_in_flight = mode, in_flight

    def _date(self, revision: int | None) -> None:
        """Remember when a revision was used first: the evidence of every receipt."""
        if revision is not None and revision not in self._first_used:
            self._first_used.setdefault(revision, self._clock())
            # Copied before it is walked, and replaced by nobody: two threads may be here.
            for old in sorted(self._first_used.copy())[:-FIRST_USES_KEPT]:
                self._first_used.pop(old, None)

    def _report(self, mode: EffectiveMode, in_flight: Mapping[Mode, int]) -> ProcessReport:
        return ProcessReport(
            id=self.process_id,
            host=self._place.host,
            pid=os.getpid(),
            role=self._place.part,
            version=__version__,
            started_at=self._started_at,
            heard_at=self._clock(),
            pin=self._place.pin,
            mode=mode.mode,
            configured=mode.configured,
            source=mode.source,
            freshness=mode.freshness,
            revision=mode.revision,
            first_used=self._first_used.copy(),
            in_flight=in_flight,
        )
