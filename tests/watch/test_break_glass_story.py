"""Break-glass from the file to the flag (architecture, decision 7)."""

import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest

from flagctl.domain.change import EndRollback, RaiseRollback, RollBack
from flagctl.domain.gate import Facts, SlurmVerdict
from flagctl.errors import ConflictError
from flagctl.store.facts import gather_facts
from flagctl.store.files import DataFiles
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Action, Mode, Outcome, Source
from tests.watch.conftest import ADMIN, MovedClock, Starter, Trail, cut_over

LOW, MIDDLE, HIGH = Mode


def test_touch_lowers_within_50_ms_with_the_database_unreadable(
    files: DataFiles, start: Starter
) -> None:
    process = start(HIGH)
    assert process.mode_after(0.05) is HIGH
    files.control.write_bytes(b"nonsense" * 1000)
    files.break_glass.touch()
    assert process.mode_after(0.05) is LOW
    assert process.reader.effective().source is Source.BREAK_GLASS


@pytest.mark.parametrize(
    ("content", "mode"), [("stub-policy\n", MIDDLE), ("passthrough", LOW), ("", LOW), ("x", LOW)]
)
def test_a_file_that_was_seen_becomes_a_rollback_flag_of_its_mode(
    files: DataFiles, store: ControlStore, clock: MovedClock, start: Starter, trail: Trail,
    content: str, mode: Mode,
) -> None:  # fmt: skip
    cut_over(store, clock)
    process = start()
    files.break_glass.write_text(content)
    process.turn()
    flag = trail.state().rollback
    assert flag is not None
    assert (flag.mode, flag.started_by) == (mode, "break-glass")
    assert flag.expires_at - flag.started_at == timedelta(hours=4)
    (event,) = trail.events(Action.BREAK_GLASS)
    assert event.claim == flag.owner == files.break_glass.owner()
    assert event.detail["path"] == str(files.break_glass)
    assert event.detail["host"]


def test_removing_the_file_does_not_re_arm(
    files: DataFiles, store: ControlStore, clock: MovedClock, start: Starter
) -> None:
    cut_over(store, clock)
    process = start()
    files.break_glass.touch()
    process.turn()
    files.break_glass.unlink()
    process.turn()
    assert process.reader.effective().mode is LOW
    assert process.reader.effective().source is Source.ROLLBACK_FLAG


def test_a_file_seen_while_the_store_is_locked_stays_in_force_until_it_is_a_flag(
    files: DataFiles, store: ControlStore, clock: MovedClock, start: Starter, trail: Trail
) -> None:
    cut_over(store, clock)
    process = start()
    with closing(sqlite3.connect(files.control, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        files.break_glass.touch()
        assert process.mode_after(0.05) is LOW
        files.break_glass.unlink()
        assert process.mode_after(0.05) is LOW
        process.turn()
        assert process.mode_after(0.05) is LOW
    process.turn()
    assert trail.state().rollback_mode is LOW
    assert process.mode_after(0.05) is LOW
    assert process.reader.effective().source is Source.ROLLBACK_FLAG


def test_a_file_seen_while_the_store_is_unreadable_becomes_a_flag_when_it_is_back(
    files: DataFiles, store: ControlStore, clock: MovedClock, start: Starter, trail: Trail
) -> None:
    cut_over(store, clock)
    process = start()
    content = files.control.read_bytes()
    aside = files.control.rename(files.directory / "aside")
    files.break_glass.touch()
    process.turn()
    files.break_glass.unlink()
    process.turn()
    assert process.reader.effective().mode is LOW
    aside.rename(files.control)
    assert files.control.read_bytes() == content
    process.turn()
    assert trail.state().rollback_mode is LOW
    assert process.mode_after(0.05) is LOW


def test_a_store_that_stays_away_is_asked_again_with_each_turn_and_logged_once(
    files: DataFiles, start: Starter, trail: Trail, caplog: pytest.LogCaptureFixture
) -> None:
    process = start()
    files.break_glass.touch()
    with closing(sqlite3.connect(files.control, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for _ in range(10):
            process.turn()
    assert trail.state().rollback is None
    assert len([text for text in caplog.messages if "waits for the store" in text]) == 1
    process.turn()
    assert trail.state().rollback_mode is LOW


def test_the_same_file_is_told_once_by_however_many_processes(
    files: DataFiles, store: ControlStore, clock: MovedClock, start: Starter, trail: Trail
) -> None:
    cut_over(store, clock)
    files.break_glass.touch()
    for _ in range(3):
        process = start()
        process.turn()
        process.turn()
    assert [event.outcome for event in trail.events(Action.BREAK_GLASS)] == [Outcome.ACCEPTED]


def test_a_file_that_lowers_nobody_is_told_once_and_makes_no_flag(
    files: DataFiles, start: Starter, trail: Trail
) -> None:
    files.break_glass.write_text(MIDDLE)
    for _ in range(3):
        process = start()
        process.turn()
        process.turn()
    assert [event.outcome for event in trail.events(Action.BREAK_GLASS)] == [Outcome.SEEN]
    assert trail.state().rollback is None
    files.break_glass.unlink()
    assert process.mode_after(0.05) is MIDDLE
    assert process.reader.effective().source is Source.DEFAULT


def test_a_file_that_lowers_a_pinned_process_becomes_a_flag(
    files: DataFiles, start: Starter, trail: Trail
) -> None:
    files.break_glass.write_text(MIDDLE)
    start().turn()
    start(HIGH).turn()
    assert trail.state().rollback_mode is MIDDLE


def test_a_pinned_process_needs_no_runtime_db_to_make_its_flag(
    files: DataFiles, start: Starter, trail: Trail
) -> None:
    files.runtime.mkdir()
    files.break_glass.write_text(MIDDLE)
    start(HIGH).turn()
    assert trail.state().rollback_mode is MIDDLE


def test_a_file_that_still_lies_there_lowers_what_is_cut_over_meanwhile(
    files: DataFiles, store: ControlStore, clock: MovedClock, start: Starter, trail: Trail
) -> None:
    process = start()
    files.break_glass.write_text(MIDDLE)
    process.turn()
    cut_over(store, clock)
    process.turn()
    files.break_glass.unlink()
    process.turn()
    assert trail.state().rollback_mode is MIDDLE
    assert process.reader.effective().mode is MIDDLE


def test_ending_the_rollback_is_refused_while_the_file_lies_there(
    files: DataFiles, store: ControlStore, clock: MovedClock, start: Starter, trail: Trail
) -> None:
    cut_over(store, clock)
    process = start()
    files.break_glass.touch()
    process.turn()
    end = EndRollback("done", no_follow_up="drill", revision=trail.state().revision)
    verdict = SlurmVerdict(holds=True, detail="", taken_at=clock())
    with pytest.raises(ConflictError, match="Remove the file first"):
        store.apply(end, ADMIN, gather_facts(files, clock()).with_verdict(verdict))
    files.break_glass.unlink()
    store.apply(end, ADMIN, gather_facts(files, clock()).with_verdict(verdict))
    process.turn()
    assert process.reader.effective().mode is HIGH


def test_raising_the_rollback_is_refused_while_a_lower_file_lies_there(
    files: DataFiles, store: ControlStore, clock: MovedClock, start: Starter, trail: Trail
) -> None:
    cut_over(store, clock)
    process = start()
    files.break_glass.write_text(LOW)
    process.turn()
    up = RaiseRollback(MIDDLE, "better", revision=trail.state().revision)
    with pytest.raises(ConflictError, match="Remove the file first, then raise"):
        store.apply(up, ADMIN, gather_facts(files, clock()))
    files.break_glass.write_text(MIDDLE)
    store.apply(up, ADMIN, gather_facts(files, clock()))
    process.turn()
    assert trail.state().rollback_mode is MIDDLE


def test_a_file_once_ended_does_not_come_back_as_a_ghost(
    files: DataFiles, store: ControlStore, clock: MovedClock, start: Starter, trail: Trail
) -> None:
    cut_over(store, clock)
    first, second = start(), start()
    files.break_glass.touch()
    first.turn()
    second.reader.read()
    files.break_glass.unlink()
    first.turn()
    end = EndRollback("done", no_follow_up="drill", revision=trail.state().revision)
    verdict = SlurmVerdict(holds=True, detail="", taken_at=clock())
    store.apply(end, ADMIN, gather_facts(files, clock()).with_verdict(verdict))
    for _ in range(3):
        first.turn()
        second.turn()
    assert trail.state().rollback is None


def test_a_lower_file_is_not_forgotten_when_a_higher_one_takes_its_place(
    files: DataFiles, store: ControlStore, clock: MovedClock, start: Starter, trail: Trail
) -> None:
    cut_over(store, clock)
    process = start()
    with closing(sqlite3.connect(files.control, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        files.break_glass.write_text(LOW)
        process.turn()
        files.break_glass.write_text(MIDDLE)
        process.turn()
    process.turn()
    process.turn()
    assert trail.state().rollback_mode is LOW


def test_a_rollback_by_a_person_is_not_raised_by_a_file(
    files: DataFiles, store: ControlStore, start: Starter, trail: Trail
) -> None:
    store.apply(RollBack(LOW, "smoke"), ADMIN, Facts())
    process = start()
    files.break_glass.write_text(MIDDLE)
    process.turn()
    assert trail.state().rollback_mode is LOW
    assert [event.outcome for event in trail.events(Action.BREAK_GLASS)] == [Outcome.SEEN]
