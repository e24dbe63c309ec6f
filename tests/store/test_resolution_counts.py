"""Counts of resolutions in runtime.db: added to by every process, bounded, and lost lightly."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from flagctl.domain.impact import CountKey, minute_of
from flagctl.store import resolution_counts
from flagctl.store.files import DataFiles
from flagctl.store.resolution_counts import counts_between
from flagctl.store.runtime_db import ProcessRegistry
from flagctl.vocabulary import Mode, ResolutionOutcome
from tests.reports import NOON, report

LOW, MIDDLE, _HIGH = Mode
RESOLVED, DENIED, *_ = ResolutionOutcome
NOW = minute_of(NOON)
EVER = (0, 2**40)


def key(minute: int = NOW, revision: int | None = 7) -> CountKey:
    return CountKey(minute, MIDDLE, RESOLVED, revision)


@pytest.fixture
def files(tmp_path: Path) -> DataFiles:
    return DataFiles(tmp_path)


@pytest.fixture
def registry(files: DataFiles) -> Iterator[ProcessRegistry]:
    made = ProcessRegistry(files)
    yield made
    made.goodbye("nobody")


def test_counts_come_with_a_heartbeat_of_either_kind_and_with_the_goodbye(
    files: DataFiles, registry: ProcessRegistry
) -> None:
    assert registry.beat(report("a"), {key(): 2})
    assert registry.still_here("a", NOON, {key(): 3, key(revision=None): 1})
    assert registry.goodbye("a", {key(): 4, key(NOW + 1): 0})
    assert counts_between(files, *EVER) == {key(): 9, key(revision=None): 1, key(NOW + 1): 0}


def test_two_processes_and_one_that_started_again_add_up(files: DataFiles) -> None:
    for number in range(3):
        process = ProcessRegistry(files)
        process.beat(report(f"{number}"), {key(): 5})
        process.goodbye(f"{number}")
    assert counts_between(files, *EVER) == {key(): 15}


def test_a_heartbeat_that_is_not_kept_adds_nothing(
    files: DataFiles, registry: ProcessRegistry
) -> None:
    assert not registry.still_here("unknown", NOON, {key(): 2})
    registry.beat(report("a"))
    with closing(sqlite3.connect(files.runtime, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert not registry.beat(report("a"), {key(): 2})
    assert counts_between(files, *EVER) == {}
    assert registry.beat(report("a"), {key(): 2})
    assert counts_between(files, *EVER) == {key(): 2}


def test_only_the_minutes_that_were_asked_for_are_read(
    files: DataFiles, registry: ProcessRegistry
) -> None:
    registry.beat(report(), {key(NOW + ahead): 1 for ahead in range(5)})
    found = counts_between(files, NOW + 1, NOW + 3)
    assert found is not None
    assert [each.minute for each in found] == [NOW + 1, NOW + 2, NOW + 3]


def test_counts_are_kept_for_7_days_and_none_from_ahead_of_the_clock(
    files: DataFiles, registry: ProcessRegistry
) -> None:
    week = 7 * 24 * 60
    counts = {key(NOW + ahead): 1 for ahead in (-week - 1, -week, 0, 60, 61, 10**6)}
    registry.beat(report(), counts)
    ProcessRegistry(files).beat(report("purges"), {})
    found = counts_between(files, *EVER)
    assert found is not None
    assert [each.minute for each in found] == [NOW - week, NOW, NOW + 60]


def test_flips_by_the_second_leave_a_bounded_number_of_rows(
    files: DataFiles, registry: ProcessRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolution_counts, "ROWS_KEPT", 50)
    counts = {key(NOW - ago, revision): 1 for ago in range(10) for revision in range(10)}
    registry.beat(report(), counts)
    registry.beat(report(heard_at=NOON + timedelta(hours=2)))
    found = counts_between(files, *EVER)
    assert found is not None
    assert {each.minute for each in found} == {NOW - ago for ago in range(5)}


def test_without_a_file_or_a_table_nothing_was_counted(
    files: DataFiles, registry: ProcessRegistry
) -> None:
    assert counts_between(files, *EVER) == {}
    registry.beat(report())
    with closing(sqlite3.connect(files.runtime)) as other:
        other.execute("DROP TABLE resolution_count")
    assert counts_between(files, *EVER) == {}


def test_a_file_that_cannot_be_read_is_told_from_one_without_counts(files: DataFiles) -> None:
    files.runtime.write_bytes(b"this is no database at all" * 1000)
    assert counts_between(files, *EVER) is None


def test_a_row_of_nonsense_hides_no_other_row(files: DataFiles, registry: ProcessRegistry) -> None:
    registry.beat(report(), {key(): 1, key(NOW + 1): 2})
    with closing(sqlite3.connect(files.runtime, isolation_level=None)) as other:
        other.execute("INSERT INTO resolution_count VALUES (?, 'no mode', 'resolved', 1, 1)", [NOW])
        other.execute("UPDATE resolution_count SET count = 'many' WHERE minute = ?", [NOW + 1])
    assert counts_between(files, *EVER) == {key(): 1}


def test_what_is_counted_after_the_file_was_lost_is_there(
    files: DataFiles, registry: ProcessRegistry
) -> None:
    registry.beat(report(), {key(): 1})
    files.runtime.unlink()
    assert registry.beat(report(), {key(): 2})
    assert counts_between(files, *EVER) == {key(): 2}
