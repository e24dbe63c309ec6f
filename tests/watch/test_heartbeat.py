"""What a process says of itself, and when."""

import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest

from flagctl.domain.change import HandOver, RollBack
from flagctl.domain.gate import Facts
from flagctl.domain.process import FIRST_USES_KEPT, ProcessReport, convergence
from flagctl.store.facts import gather_facts
from flagctl.store.files import DataFiles
from flagctl.store.heard import heard_of
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Freshness, Mode, Part, Source
from flagctl.watch import loop
from tests.waiting import wait_until
from tests.watch.conftest import ADMIN, MovedClock, Process, Starter
from tests.watch.test_idle import make_idle

LOW, MIDDLE, HIGH = Mode


def only(files: DataFiles) -> ProcessReport:
    (report,) = heard_of(files)
    return report


def roll_back(store: ControlStore) -> int:
    return store.apply(RollBack(LOW, "smoke"), ADMIN, Facts()).revision


def test_a_process_says_what_is_in_force_in_it(
    files: DataFiles, clock: MovedClock, start: Starter
) -> None:
    process = start(HIGH, in_flight=lambda: {MIDDLE: 2})
    process.turn()
    said = only(files)
    assert (said.id, said.role) == (process.watch.process_id, Part.RUNTIME)
    assert (said.pin, said.mode, said.configured) == (HIGH, HIGH, HIGH)
    assert (said.source, said.freshness, said.revision) == (Source.ENV, Freshness.FRESH, 0)
    assert said.in_flight == {MIDDLE: 2}
    assert said.heard_at == clock()


def test_an_idle_process_follows_a_flip_with_its_next_turn(
    files: DataFiles, store: ControlStore, clock: MovedClock, start: Starter
) -> None:
    process = start()
    process.turn()
    revision = roll_back(store)
    assert convergence(heard_of(files), revision, clock()).behind
    process.turn()
    receipt = convergence(heard_of(files), revision, clock())
    assert receipt.is_proven
    assert only(files).mode is LOW


def test_when_a_revision_was_first_used_is_said_and_stays(
    files: DataFiles, store: ControlStore, clock: MovedClock, start: Starter
) -> None:
    process = start()
    process.turn()
    first = {0: clock()}
    assert only(files).first_used == first
    revision = roll_back(store)
    clock.forward(0.3)
    process.watch.note(process.reader.effective())
    used = clock()
    process.turn()
    process.turn()
    assert only(files).first_used == {**first, revision: used}


def test_only_the_newest_first_uses_are_kept(
    files: DataFiles, store: ControlStore, start: Starter
) -> None:
    process = start()
    revision = roll_back(store)
    for number in range(FIRST_USES_KEPT):
        process.watch.note(process.reader.effective())
        revision = store.apply(HandOver(f"owner {number}", "night"), ADMIN, Facts()).revision
    process.turn()
    assert sorted(only(files).first_used) == list(range(2, FIRST_USES_KEPT + 2))
    assert revision == FIRST_USES_KEPT + 1


def test_a_process_that_has_nothing_new_says_that_it_is_there(
    files: DataFiles, clock: MovedClock, start: Starter
) -> None:
    process = start()
    process.turn()
    before = only(files)
    process.turn()
    assert only(files) == replace(before, heard_at=clock())


def test_what_is_in_flight_is_said_when_it_changes(files: DataFiles, start: Starter) -> None:
    counts = {MIDDLE: 1}
    process = start(in_flight=counts.copy)
    process.turn()
    process.turn()
    assert only(files).in_flight == {MIDDLE: 1}
    counts[MIDDLE] = 2
    process.turn()
    assert only(files).in_flight == {MIDDLE: 2}


def test_a_process_is_heard_of_as_soon_as_it_has_started(
    files: DataFiles, start_thread: Starter
) -> None:
    start_thread(HIGH)
    assert only(files).pin is HIGH


def test_a_thread_takes_turns_on_its_own(files: DataFiles, running: Process) -> None:
    first = wait_until(lambda: heard_of(files))[0]
    wait_until(lambda: only(files).heard_at > first.heard_at)


def test_a_process_is_heard_of_again_after_runtime_db_is_lost(
    files: DataFiles, start: Starter
) -> None:
    process = start()
    process.turn()
    files.runtime.unlink()
    process.turn()
    assert only(files).id == process.watch.process_id


def test_a_busy_runtime_db_is_tried_again_with_the_next_turn(
    files: DataFiles, start: Starter
) -> None:
    process = start()
    process.turn()
    with closing(sqlite3.connect(files.runtime, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        process.turn()
    process.turn()
    assert only(files).heard_at == process.clock()


def test_a_flip_that_a_busy_runtime_db_did_not_take_is_said_with_the_next_turn(
    files: DataFiles, store: ControlStore, start: Starter
) -> None:
    process = start()
    process.turn()
    with closing(sqlite3.connect(files.runtime, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        revision = roll_back(store)
        process.turn()
        assert only(files).revision != revision
    process.turn()
    assert (only(files).revision, only(files).mode) == (revision, LOW)


def test_what_a_request_used_is_reported_at_once_by_the_thread(
    files: DataFiles, store: ControlStore, start_thread: Starter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "TURN_EVERY_S", 3600.0)
    running = start_thread()
    wait_until(lambda: heard_of(files))
    revision = roll_back(store)
    running.watch.note(running.reader.effective())
    wait_until(lambda: only(files).revision == revision)


def test_a_process_that_stops_says_goodbye_at_once(
    files: DataFiles, start_thread: Starter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "TURN_EVERY_S", 3600.0)
    running = start_thread()
    wait_until(lambda: heard_of(files))
    running.watch.stop()
    assert heard_of(files) == []


def test_a_fault_in_what_the_watch_is_given_does_not_end_it(
    files: DataFiles, start_thread: Starter
) -> None:
    faults = [RuntimeError("one"), RuntimeError("two")]

    def count() -> dict[Mode, int]:
        if faults:
            raise faults.pop()
        return {}

    start_thread(in_flight=count)
    wait_until(lambda: heard_of(files))


def test_the_pins_of_live_processes_are_what_a_decision_knows(
    files: DataFiles, clock: MovedClock, start: Starter
) -> None:
    start(HIGH).turn()
    start(None).turn()
    assert sorted(gather_facts(files, clock()).pins, key=str) == [None, HIGH]
    clock.forward(10.1)
    assert gather_facts(files, clock()).pins == ()


def test_a_decision_knows_the_mode_of_a_break_glass_file(
    files: DataFiles, clock: MovedClock
) -> None:
    assert gather_facts(files, clock()) == Facts()
    files.break_glass.touch()
    assert gather_facts(files, clock()).break_glass is LOW


def test_without_a_readable_runtime_db_no_process_is_known_and_any_may_live(
    files: DataFiles, clock: MovedClock
) -> None:
    assert gather_facts(files, clock()).are_pins_known
    files.runtime.write_bytes(b"nonsense" * 1000)
    found = gather_facts(files, clock())
    assert (found.pins, found.are_pins_known) == ((), False)


@pytest.mark.parametrize("loses", ["the row", "runtime.db"])
def test_a_process_that_was_just_heard_of_without_its_row_may_have_any_pin(
    files: DataFiles, clock: MovedClock, start: Starter, loses: str
) -> None:
    process = make_idle(start(HIGH), files)
    if loses == "the row":
        with closing(sqlite3.connect(files.runtime, isolation_level=None)) as other:
            other.execute("DELETE FROM process")
    else:
        files.runtime.unlink()
    found = gather_facts(files, clock())
    assert (found.pins, found.are_pins_known) == ((), False)
    assert gather_facts(files, clock() + timedelta(seconds=10.1)).are_pins_known
    process.watch.goodbye()
    assert gather_facts(files, clock()).are_pins_known


def test_a_row_or_a_file_of_another_version_may_be_a_process_of_any_pin(
    files: DataFiles, clock: MovedClock, start: Starter
) -> None:
    start(LOW).turn()
    with closing(sqlite3.connect(files.runtime, isolation_level=None)) as other:
        other.execute("UPDATE process SET mode = 'warp'")
        assert not gather_facts(files, clock()).are_pins_known
        other.execute("DELETE FROM process")
        shutil.rmtree(files.heard)
        assert gather_facts(files, clock()).are_pins_known
        other.execute("PRAGMA user_version=99")
        assert not gather_facts(files, clock()).are_pins_known
