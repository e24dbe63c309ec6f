"""What a process thinks of the top mode is told when it is something else, and else not again."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from flagctl.adapter.verdict import LiveVerdict
from flagctl.domain.readiness import Judgement
from flagctl.store.files import DataFiles
from flagctl.store.judgements import read_judgements
from flagctl.watch import AskedQueues
from flagctl.watch.thoughts import TOLD_AGAIN_AFTER
from tests.judgements import RUNBOOK, judgement
from tests.watch.conftest import MovedClock, Process, Starter
from tests.watch.test_idle import make_idle, nothing_written


@dataclass
class Opinion:
    """The same object until a test thinks otherwise."""

    said: Judgement
    asked: list[Sequence[str]] = field(default_factory=list)

    def __call__(self, queues: Sequence[str]) -> Judgement:
        self.asked.append(tuple(queues))
        return self.said


def told(process: Process, files: DataFiles) -> Judgement | None:
    return read_judgements(files).get(process.watch.process_id)


def test_a_new_judgement_is_told_with_the_next_turn_and_only_once(
    files: DataFiles, clock: MovedClock, start: Starter
) -> None:
    opinion = Opinion(judgement(clock()))
    process = make_idle(start(judge=opinion), files)
    assert told(process, files) == opinion.said
    opinion.said = judgement(clock(), state="DRAIN")
    process.turn()
    assert told(process, files) == opinion.said
    with nothing_written(files):
        process.turn()


def test_a_process_without_a_policy_tells_once_that_it_has_none(
    files: DataFiles, start: Starter
) -> None:
    process = make_idle(start(judge=LiveVerdict(None, None, RUNBOOK).judgement), files)
    said = told(process, files)
    assert said is not None
    assert "ZPE_SLURM_POLICY_PATH is not set" in said.verdict.detail
    with nothing_written(files):
        process.turn()


def test_a_queue_that_was_asked_for_is_compared_with_the_next_turn(
    files: DataFiles, clock: MovedClock, start: Starter
) -> None:
    opinion, queues = Opinion(judgement(clock())), AskedQueues()
    process = make_idle(start(judge=opinion, queues=queues), files)
    queues.note("night")
    process.turn()
    assert opinion.asked[-1] == ("night",)
    assert queues.is_empty


def test_what_runtime_db_has_lost_is_told_again(
    files: DataFiles, clock: MovedClock, start: Starter
) -> None:
    opinion = Opinion(judgement(clock()))
    process = make_idle(start(judge=opinion), files)
    files.runtime.unlink()
    process.turn()
    assert told(process, files) == opinion.said


def test_what_could_not_be_kept_is_told_with_a_later_turn(
    files: DataFiles, clock: MovedClock, start: Starter
) -> None:
    opinion = Opinion(judgement(clock()))
    process = make_idle(start(judge=opinion), files)
    opinion.said = judgement(clock(), state="DRAIN")
    with closing(sqlite3.connect(files.runtime, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        process.turn()
    assert told(process, files) != opinion.said
    process.turn()
    assert told(process, files) == opinion.said


def test_what_somebody_has_deleted_is_told_again_before_long(
    files: DataFiles, clock: MovedClock, start: Starter
) -> None:
    opinion = Opinion(judgement(clock()))
    process = make_idle(start(judge=opinion), files)
    with closing(sqlite3.connect(files.runtime, isolation_level=None)) as other:
        other.execute("DELETE FROM judgement")
    process.turn()
    assert told(process, files) is None
    process.turn(after_s=TOLD_AGAIN_AFTER.total_seconds())
    assert told(process, files) == opinion.said


def test_what_can_not_be_put_down_does_not_count_as_told(
    files: DataFiles, clock: MovedClock, start: Starter
) -> None:
    said = judgement(clock())
    unsayable: Any = object()
    opinion = Opinion(replace(said, parity=(unsayable,)))
    process = start(judge=opinion)
    for _ in range(2):
        with pytest.raises(TypeError):
            process.turn()
    opinion.said = said
    process.turn()
    assert told(process, files) == said


@pytest.mark.parametrize("name", ["", " ", "x" * 256, "\ud800"])
def test_a_name_that_no_queue_has_is_not_remembered(name: str) -> None:
    queues = AskedQueues()
    queues.note(name)
    assert queues.is_empty
