"""A process in which nothing is new says only that it is there."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from flagctl.domain.change import RollBack
from flagctl.domain.gate import Facts
from flagctl.domain.impact import minute_of
from flagctl.domain.process import ProcessReport
from flagctl.store import identity
from flagctl.store.files import DataFiles
from flagctl.store.heard import heard_of
from flagctl.store.resolution_counts import counts_between
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Action, Mode, ResolutionOutcome
from flagctl.watch import Tally
from flagctl.watch.told import ALL_SAID_FOR_S
from tests.waiting import let_a_tick_pass
from tests.watch.conftest import ADMIN, MovedClock, Process, Starter, Trail

LOW, MIDDLE, _ = Mode


def only(files: DataFiles) -> ProcessReport:
    (report,) = heard_of(files)
    return report


@contextmanager
def trusting_the_directory() -> Iterator[None]:
    """Names count as known at once, and not only after two seconds without another."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(identity, "TICK_AT_MOST_NS", 0)
        yield


def make_idle(process: Process, files: DataFiles) -> Process:
    """Let it say all there is, and nothing have happened in the directory lately."""
    with trusting_the_directory():
        for _ in range(3):
            process.turn()
    let_a_tick_pass(files.directory)
    process.turn()
    return process


@contextmanager
def nothing_written(files: DataFiles) -> Iterator[None]:
    """Nobody has committed to runtime.db meanwhile."""
    with closing(sqlite3.connect(files.runtime, isolation_level=None)) as other:
        before = other.execute("PRAGMA data_version").fetchall()
        yield
        assert other.execute("PRAGMA data_version").fetchall() == before


def test_an_idle_process_is_heard_of_without_a_transaction(
    files: DataFiles, clock: MovedClock, start: Starter
) -> None:
    process = make_idle(start(), files)
    with nothing_written(files):
        process.turn()
    assert only(files).heard_at == clock()


def test_an_idle_process_says_all_again_before_long(files: DataFiles, start: Starter) -> None:
    process = make_idle(start(), files)
    with closing(sqlite3.connect(files.runtime, isolation_level=None)) as other:
        other.execute("DELETE FROM process")
        process.turn()
        assert heard_of(files) == []
        process.turn(after_s=ALL_SAID_FOR_S)
    assert only(files).id == process.watch.process_id


def test_an_idle_process_counts_nothing_in_every_minute(
    files: DataFiles, clock: MovedClock, start: Starter
) -> None:
    tally = Tally(lambda: clock().timestamp())
    process = make_idle(start(tally=tally), files)
    first = minute_of(clock())
    for _ in range(90):
        process.turn()
    counts = counts_between(files, first, first + 3) or {}
    assert sorted({key.minute for key in counts}) == [first, first + 1, first + 2, first + 3]


def test_an_idle_process_follows_a_flip_with_its_next_turn(
    files: DataFiles, store: ControlStore, start: Starter
) -> None:
    process = make_idle(start(), files)
    revision = store.apply(RollBack(LOW, "smoke"), ADMIN, Facts()).revision
    process.turn()
    assert (only(files).mode, only(files).revision) == (LOW, revision)


def test_an_idle_process_sees_a_break_glass_file_with_its_next_turn(
    files: DataFiles, start: Starter
) -> None:
    process = make_idle(start(), files)
    files.break_glass.touch()
    process.turn()
    assert only(files).mode is LOW


def test_an_idle_process_sees_a_store_that_was_replaced_with_its_next_turn(
    files: DataFiles, store: ControlStore, start: Starter
) -> None:
    process = make_idle(start(), files)
    store.apply(RollBack(LOW, "smoke"), ADMIN, Facts())
    store.close()
    make_idle(process, files)
    files.control.rename(files.control.with_suffix(".away"))
    process.turn()
    assert only(files).freshness != "fresh"


def test_what_comes_in_flight_in_an_idle_process_is_said_with_its_next_turn(
    files: DataFiles, start: Starter
) -> None:
    in_flight: dict[Mode, int] = {}
    process = make_idle(start(in_flight=in_flight.copy), files)
    in_flight[MIDDLE] = 1
    process.turn()
    assert only(files).in_flight == {MIDDLE: 1}


def test_what_an_idle_process_counts_is_kept_with_its_next_turn(
    files: DataFiles, clock: MovedClock, start: Starter
) -> None:
    tally = Tally(lambda: clock().timestamp())
    process = make_idle(start(tally=tally), files)
    tally.count(process.reader.effective(), ResolutionOutcome.RESOLVED)
    minute = minute_of(clock())
    process.turn()
    assert sum((counts_between(files, minute, minute) or {}).values()) == 1


def test_a_policy_file_that_changes_under_an_idle_process_is_told_with_its_next_turn(
    files: DataFiles, start: Starter, trail: Trail
) -> None:
    hashes = ["a" * 64]
    policy = files.directory / "policy.yaml"
    process = make_idle(start(policy_path=policy, policy_sha256=lambda: hashes[0]), files)
    hashes[0] = "b" * 64
    process.turn()
    assert len(trail.events(Action.POLICY_SEEN)) == 2


def test_an_idle_process_is_heard_of_again_after_runtime_db_is_lost(
    files: DataFiles, start: Starter
) -> None:
    process = make_idle(start(), files)
    files.runtime.unlink()
    process.turn()
    assert only(files).id == process.watch.process_id


def test_without_its_file_a_process_is_heard_of_through_runtime_db(
    files: DataFiles, clock: MovedClock, start: Starter
) -> None:
    process = make_idle(start(), files)
    shutil.rmtree(files.heard)
    with trusting_the_directory():
        for _ in range(4):
            process.turn()
            assert only(files).heard_at == clock()
    assert files.heard.is_dir()


def test_where_no_file_can_be_made_a_process_is_heard_of_through_runtime_db(
    files: DataFiles, clock: MovedClock, start: Starter
) -> None:
    files.heard.write_text("in the way")
    process = make_idle(start(), files)
    process.turn()
    assert only(files).heard_at == clock()


def test_a_process_that_says_goodbye_leaves_no_file(files: DataFiles, start: Starter) -> None:
    process = make_idle(start(), files)
    assert [each.name for each in files.heard.iterdir()] == [process.watch.process_id]
    process.watch.goodbye()
    assert list(files.heard.iterdir()) == []


def test_what_a_crash_left_is_removed_a_day_later(
    files: DataFiles, clock: MovedClock, start: Starter
) -> None:
    make_idle(start(), files)  # and never says goodbye
    clock.forward(25 * 3600)
    later = make_idle(start(), files)
    assert [each.name for each in files.heard.iterdir()] == [later.watch.process_id]


def test_a_clock_that_was_set_back_silences_no_process(
    files: DataFiles, clock: MovedClock, start: Starter
) -> None:
    process = make_idle(start(), files)
    clock.forward(-3600)
    with trusting_the_directory():
        for _ in range(2):
            process.turn()
    assert only(files).is_live(clock())


def test_a_process_that_is_busy_from_then_on_is_not_silenced_either(
    files: DataFiles, clock: MovedClock, start: Starter
) -> None:
    tally = Tally(lambda: clock().timestamp())
    process = make_idle(start(tally=tally), files)
    clock.forward(-3600)
    tally.count(process.reader.effective(), ResolutionOutcome.RESOLVED)
    process.turn()
    assert only(files).is_live(clock())


def test_nor_is_one_that_sees_a_break_glass_file(
    files: DataFiles, clock: MovedClock, start: Starter
) -> None:
    process = make_idle(start(), files)
    clock.forward(-3600)
    files.break_glass.touch()
    process.turn()
    assert only(files).is_live(clock())
