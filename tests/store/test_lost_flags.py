"""After flags were lost, no revision is used again and nothing is raised (decision 7)."""

from collections.abc import Callable
from pathlib import Path

import pytest

from flagctl.domain.change import HandOver, RollBack
from flagctl.store.backup import backup
from flagctl.store.facts import gather_facts
from flagctl.store.files import DataFiles
from flagctl.store.last_known_good import LastKnownGoodFile
from flagctl.store.restore import restore
from flagctl.store.runtime_db import ProcessRegistry
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Mode
from tests.domain.samples import state
from tests.reports import report
from tests.store.acts import ANNA, NOON, MovedClock, roll_back

LOST = 23


def remember_in_the_file(files: DataFiles) -> None:
    kept = LastKnownGoodFile(files.last_known_good)
    kept.keep(state(rollback=Mode.PASSTHROUGH, revision=LOST))
    kept.settle()


def remember_in_a_process(files: DataFiles) -> None:
    ProcessRegistry(files).beat(report("a", revision=LOST, mode=Mode.PASSTHROUGH, heard_at=NOON))


def test_an_act_gets_a_revision_above_any_that_was_in_use(
    store: ControlStore, files: DataFiles
) -> None:
    remember_in_the_file(files)
    found = gather_facts(files, NOON)
    assert found.newest_revision == LOST
    receipt = store.apply(RollBack(Mode.PASSTHROUGH, "slow"), ANNA, found)
    assert receipt.revision == LOST + 1


def test_without_a_loss_revisions_go_up_by_one(store: ControlStore, files: DataFiles) -> None:
    assert roll_back(store).revision == 1
    ProcessRegistry(files).beat(report("a", revision=1))
    receipt = store.apply(HandOver("ben", "his now"), ANNA, gather_facts(files, NOON))
    assert receipt.revision == 2


@pytest.mark.parametrize("remember", [remember_in_the_file, remember_in_a_process])
def test_a_restore_after_a_loss_raises_no_process_that_had_the_lost_flags(
    store: ControlStore,
    files: DataFiles,
    tmp_path: Path,
    remember: Callable[[DataFiles], None],
) -> None:
    copy = tmp_path / "backup.db"
    backup(files, copy)
    remember(files)
    done = restore(files, copy, ANNA, MovedClock(), busy_timeout_s=0.2)
    assert done.event.revision == LOST + 1
    assert done.event.mode_after is Mode.PASSTHROUGH
