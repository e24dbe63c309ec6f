"""What processes think of the top mode, and names of queues, in runtime.db."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from flagctl.domain.readiness import Judgement
from flagctl.store.facts import gather_facts, live_judges
from flagctl.store.files import DataFiles
from flagctl.store.judgements import QUEUES_KEPT, QUEUES_KEPT_FOR, read_judgements
from flagctl.store.runtime_db import ProcessRegistry
from tests.judgements import judgement, tell
from tests.reports import NOON, report


@pytest.fixture
def files(tmp_path: Path) -> DataFiles:
    return DataFiles(tmp_path)


@pytest.fixture
def registry(files: DataFiles) -> ProcessRegistry:
    return ProcessRegistry(files)


def test_what_a_process_thinks_is_read_as_it_was_told(
    files: DataFiles, registry: ProcessRegistry
) -> None:
    said = judgement(NOON, queues=("other",), state="DRAIN")
    registry.beat(report("a"))
    tell(registry, "a", said, NOON)
    assert read_judgements(files) == {"a": said}
    (live,) = live_judges(files, NOON)
    assert (live.process.id, live.judgement) == ("a", said)
    (verdict,) = gather_facts(files, NOON).verdicts
    assert (verdict.holds, verdict.taken_at) == (False, NOON)


def test_a_process_that_stops_or_is_gone_is_forgotten(
    files: DataFiles, registry: ProcessRegistry
) -> None:
    for name in ("a", "b"):
        registry.beat(report(name))
        tell(registry, name, judgement(NOON), NOON)
    registry.goodbye("a")
    assert read_judgements(files).keys() == {"b"}
    tell(registry, "gone", judgement(NOON), NOON)
    registry.beat(report("c"))
    tell(registry, "c", judgement(NOON), NOON)
    assert read_judgements(files).keys() == {"b", "c"}


def test_what_can_not_be_put_down_locks_nobody_out(
    files: DataFiles, registry: ProcessRegistry
) -> None:
    registry.beat(report("a"))
    said = judgement(NOON)
    tell(registry, "a", said, NOON)
    unsayable: Any = object()
    with pytest.raises(TypeError):
        tell(registry, "a", replace(said, parity=(unsayable,)), NOON)
    with closing(sqlite3.connect(files.runtime, timeout=0, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
    assert read_judgements(files) == {"a": said}


@pytest.mark.parametrize("nonsense", ["", "{", "[]", '{"taken_at": 1}', '{"findings": []}'])
def test_nonsense_and_words_of_another_version_count_as_nothing_told(
    files: DataFiles, registry: ProcessRegistry, nonsense: str
) -> None:
    registry.beat(report("a"))
    tell(registry, "a", judgement(NOON), NOON)
    with closing(sqlite3.connect(files.runtime)) as connection, connection:
        connection.execute("UPDATE judgement SET verdict = ?", (nonsense,))
    assert read_judgements(files) == {}
    assert gather_facts(files, NOON).verdicts[0].holds is None


def test_the_queues_are_left_out_where_only_the_verdict_counts(
    files: DataFiles, registry: ProcessRegistry
) -> None:
    registry.beat(report("a"))
    said = judgement(NOON)
    tell(registry, "a", said, NOON)
    assert read_judgements(files, compared=False) == {"a": Judgement(said.verdict)}


def test_without_the_file_nobody_told_anything(files: DataFiles) -> None:
    assert read_judgements(files) == {}
    files.runtime.write_text("no database")
    assert read_judgements(files) == {}


class Asked:
    """Judges, and keeps which names it was given."""

    def __init__(self, registry: ProcessRegistry) -> None:
        self.registry = registry
        self.names: list[str] = []

    def __call__(self, names: Sequence[str]) -> Judgement:
        self.names = list(names)
        return judgement(NOON)

    def told(self, *names: str, after: timedelta = timedelta()) -> list[str]:
        assert self.registry.judge("a", self, names, NOON + after)
        return self.names


def test_names_that_any_process_was_asked_for_are_given_to_each(
    files: DataFiles, registry: ProcessRegistry
) -> None:
    Asked(registry).told("one")
    other = Asked(ProcessRegistry(files))
    assert set(other.told("two")) == {"one", "two"}


def test_names_are_kept_for_a_week_and_no_more_than_a_hundred(registry: ProcessRegistry) -> None:
    asked = Asked(registry)
    asked.told("old")
    assert "old" not in asked.told("new", after=QUEUES_KEPT_FOR + timedelta(seconds=1))
    names = [f"{number}" for number in range(2 * QUEUES_KEPT)]
    assert len(asked.told(*names, after=QUEUES_KEPT_FOR)) == QUEUES_KEPT


def test_a_process_that_fails_to_judge_keeps_nobody_from_writing(
    files: DataFiles, registry: ProcessRegistry
) -> None:
    def fail(_names: Sequence[str]) -> Judgement:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        registry.judge("a", fail, ["one"], NOON)
    assert ProcessRegistry(files).beat(report("b"))


def test_a_queue_is_kept_by_its_name_and_time_alone(
    files: DataFiles, registry: ProcessRegistry
) -> None:
    Asked(registry).told("one")
    with closing(sqlite3.connect(files.runtime)) as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(queue_asked_for)")]
    assert columns == ["name", "last_at"]
