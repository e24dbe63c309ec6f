"""Reminders: one pass with much history, and what an idle runner costs."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.measure import Result, summary
from flagctl.domain.change import Actor, RollBack
from flagctl.domain.gate import Facts
from flagctl.domain.reminder_words import ReminderKind
from flagctl.domain.times import to_text
from flagctl.reminders.addresses import AddressBook
from flagctl.reminders.delivering import Tools, new_holder
from flagctl.reminders.giving_out import give_out
from flagctl.reminders.looking import find, look_around
from flagctl.reminders.message import Place
from flagctl.reminders.runner import GLANCE_EVERY_S, TURN_EVERY_S, Runner
from flagctl.store import outbox
from flagctl.store.files import DataFiles
from flagctl.store.kept import keep_no_more
from flagctl.store.migrate import upgrade
from flagctl.store.outbox import NewReminder
from flagctl.store.reading import keep_reading, reading
from flagctl.store.reminder_overview import read_overview
from flagctl.store.reminder_reading import read_newest_failed
from flagctl.store.uptime import uptime
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Door, Mode, Role

FLAGS = 10_000
DUE = 100
PASSES = 20
LOOKS = 100
WINDOWS = 12
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
ACTOR = Actor("os:bench", Role.ADMIN, Door.CLI)
BOOK = AddressBook("json://127.0.0.1:1", "json://127.0.0.1:2")


def run() -> list[Result]:
    with site() as (files, store):
        return [*passes(files, store), *looks(files), *idle(files, store)]


@contextmanager
def site() -> Iterator[tuple[DataFiles, ControlStore]]:
    """A store with 10,000 ended rollbacks, their reminders, and an active one that has expired."""
    with TemporaryDirectory() as directory:
        files = DataFiles(Path(directory))
        upgrade(files)
        store = ControlStore(files, lambda: NOON)
        with store.transaction() as at:
            at.connection.executemany(FLAG, [(number, to_text(NOON)) for number in range(FLAGS)])
            at.connection.executemany(REMINDER, [(n, n + 1, to_text(NOON)) for n in range(FLAGS)])
            at.connection.execute(DELIVERY)
        store.apply(RollBack(Mode.PASSTHROUGH, "slow"), ACTOR, Facts())
        keep_reading(files)  # as every web process does
        yield files, store
        store.close()
        for path in (files.control, files.runtime):
            keep_no_more(path)


FLAG = """
INSERT INTO flag (id, kind, mode, owner, reason, started_by, started_at, first_started_at,
expires_at, extensions, revision, ended_at, ended_by)
SELECT ?1 + 1, 'rollback', 'stub-policy', 'ben', 'slow', 'os:ben', ?2, ?2, ?2, 0, 1, ?2, 'os:ben'
"""
REMINDER = """
INSERT INTO reminder (key, kind, at, flag_id, generation, stage, missed, told_at, detail)
SELECT 'flag/' || ?1, 'stage', ?3, ?2, 1, 'expired', 0, ?3, '{"tells":"owner"}'
"""
DELIVERY = """
INSERT INTO delivery (reminder_id, recipient, channel, label, state, attempts, next_attempt_at)
SELECT id, 'operators', 'json/0', 'json', 'delivered', 1, at FROM reminder
"""


def passes(files: DataFiles, store: ControlStore) -> list[Result]:
    """A pass that gives out 100 reminders to two channels; nothing is sent."""
    samples = []
    for number in range(PASSES):
        add_due(store, number)
        around = look_around(files, NOON)
        begin = time.perf_counter()
        with store.transaction() as at:
            give_out(at, around, BOOK, find(at.connection, around, at.now, uptime()))
        samples.append((time.perf_counter() - begin) * 1000)
    note = f"{FLAGS} flags in history, {DUE} due; bound 100 ms"
    return [summary("one pass without deliveries", samples, "ms", note)]


def looks(files: DataFiles) -> list[Result]:
    """What the Reminders page reads, and what the banner of every page reads."""
    page, banner = [], []
    for _ in range(LOOKS):
        with reading(files) as connection:
            begin = time.perf_counter()
            read_overview(connection, NOON, limit=20)
            middle = time.perf_counter()
            read_newest_failed(connection)
            end = time.perf_counter()
        page.append((middle - begin) * 1000)
        banner.append((end - middle) * 1000)
    note = f"{FLAGS} flags in history, {PASSES * DUE} reminders waiting"
    return [
        summary("reading the Reminders page", page, "ms", note),
        summary("reading failures for the banner", banner, "ms", note),
    ]


def add_due(store: ControlStore, number: int) -> None:
    with store.transaction() as at:
        for each in range(DUE):
            key = f"lagging/{number}/{each}"
            new = NewReminder(key=key, kind=ReminderKind.LAGGING, at=at.now)
            assert outbox.add(at, new)


def idle(files: DataFiles, store: ControlStore) -> list[Result]:
    """Runners with nothing to do, as they really run: CPU time, as a share of one core."""
    with store.transaction() as at:
        at.connection.execute("UPDATE delivery SET state = 'settled' WHERE state = 'waiting'")
    leader, other = started(files, store), started(files, store)
    samples = [window(leader, other) for _ in range(WINDOWS)]
    leader.runner.stop()
    other.runner.stop()
    note = f"a turn every {TURN_EVERY_S:g} s, a glance every {GLANCE_EVERY_S:g} s; bound 0.1 %"
    return [
        summary("idle runner with the lease", [each for each, _ in samples], "% core", note),
        summary("idle runner without it", [each for _, each in samples], "% core", note),
    ]


@dataclass(frozen=True)
class Started:
    """A runner, and the clock of the CPU that its thread uses."""

    runner: Runner
    cpu_clock: int


def started(files: DataFiles, store: ControlStore) -> Started:
    """Start a runner, and let it take its first turn."""
    before = set(threading.enumerate())
    fresh = runner(files, store)
    fresh.start()
    (thread,) = set(threading.enumerate()) - before
    assert thread.ident is not None
    time.sleep(TURN_EVERY_S)
    return Started(fresh, time.pthread_getcpuclockid(thread.ident))


def window(*every: Started) -> list[float]:
    """What each costs from one turn to the next, with the caches as cold as rest leaves them."""
    begin = [time.clock_gettime(each.cpu_clock) for each in every]
    time.sleep(TURN_EVERY_S)
    ends = [time.clock_gettime(each.cpu_clock) for each in every]
    return [(end - at) / TURN_EVERY_S * 100 for at, end in zip(begin, ends, strict=True)]


def runner(files: DataFiles, store: ControlStore) -> Runner:
    tools = Tools(
        files=files,
        store=store,
        book=BOOK,
        place=Place("bench", "http://127.0.0.1:8600"),
        clock=lambda: NOON + timedelta(hours=1),
        send=lambda _address, _message: None,
        holder=new_holder(),
    )
    return Runner(tools)
