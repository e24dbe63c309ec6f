"""A restore while everything runs: what comes back, and what it never does."""

from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from flagctl.domain.access import token_hash
from flagctl.domain.change import HandOver, RollBack
from flagctl.errors import InvalidError, StaleError
from flagctl.store.audit_log import newest, verify_trail
from flagctl.store.backup import backup, sha256_of
from flagctl.store.examine import check
from flagctl.store.files import DataFiles
from flagctl.store.migrate import make_file
from flagctl.store.mode_reader import ModeReader
from flagctl.store.reading import read_state, read_tokens, reading
from flagctl.store.restore import Restored, restore
from flagctl.store.schema import SCHEMA_REVISIONS
from flagctl.store.sessions import Sessions
from flagctl.store.trouble import StoreTroubleError, Trouble
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Action, Mode, Outcome, Source
from tests.store.acts import ANNA, NOON, MovedClock, cut_over, end_rollback, facts, roll_back
from tests.store.tampering import tampering


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return tmp_path / "backup.db"


def restored(files: DataFiles, source: Path, **options: object) -> Restored:
    clock = MovedClock()
    return restore(files, source, ANNA, clock, busy_timeout_s=0.2, **options)  # type: ignore[arg-type]


def test_a_restore_brings_the_flags_of_the_backup_back_at_a_revision_above_both(
    store: ControlStore, files: DataFiles, copy: Path
) -> None:
    roll_back(store)
    backup(files, copy)
    end_rollback(store, 1)
    roll_back(store, Mode.PASSTHROUGH, "again")
    done = restored(files, copy)
    with reading(files) as connection:
        state = read_state(connection)
    assert (state.revision, done.event.revision) == (4, 4)
    assert state.rollback
    assert (state.rollback.reason, done.rollback) == ("slow", None)
    assert check(files).is_whole


def test_the_trail_goes_on_from_the_backup_and_names_what_was_replaced(
    store: ControlStore, files: DataFiles, copy: Path
) -> None:
    first = roll_back(store)
    backup(files, copy)
    last = end_rollback(store, 1)
    done = restored(files, copy, reason="the wrong one was ended")
    with reading(files) as connection:
        event = newest(connection)
        assert verify_trail(connection).events == 2
    assert event == done.event
    assert (event.action, event.outcome, event.actor) == (
        Action.RESTORE,
        Outcome.ACCEPTED,
        ANNA.name,
    )
    assert event.prev_hash == first.event.hash
    assert event.reason == "the wrong one was ended"
    assert event.detail["sha256"] == sha256_of(copy)
    assert event.detail["path"] == str(copy)
    assert event.detail["replaced_head"] == last.event.hash
    assert (event.detail["backup_revision"], event.detail["replaced_revision"]) == (1, 2)
    assert (event.detail["replaced_events"], event.detail["lost_events"]) == (2, 1)


def test_what_was_replaced_is_saved_beside_and_can_be_listed(
    store: ControlStore, files: DataFiles, copy: Path, tmp_path: Path
) -> None:
    backup(files, copy)
    lost = roll_back(store)
    done = restored(files, copy)
    assert done.saved_as == Path(f"{files.control}.before-restore-20260501T120000Z")
    assert done.saved_as.stat().st_mode & 0o777 == 0o660
    assert done.lost_events == 1
    again = restored(files, copy)
    assert again.saved_as == Path(f"{done.saved_as}-2")
    replaced = DataFiles(tmp_path / "replaced")
    replaced.directory.mkdir()
    done.saved_as.rename(replaced.control)
    with reading(replaced) as connection:
        assert newest(connection) == lost.event
    assert f"cp {done.saved_as} replaced/control.db" in (done.how_to_read_replaced or "")


def test_a_restore_of_a_higher_mode_keeps_the_lower_one_as_a_rollback_of_the_actor(
    store: ControlStore, files: DataFiles, copy: Path
) -> None:
    cut_over(store, Mode.REAL_POLICY, 0)
    backup(files, copy)
    roll_back(store, Mode.PASSTHROUGH)
    done = restored(files, copy)
    assert (done.event.mode_before, done.event.mode_after) == (Mode.PASSTHROUGH, Mode.PASSTHROUGH)
    with reading(files) as connection:
        state = read_state(connection)
    assert state.cutover_mode is Mode.REAL_POLICY
    assert state.rollback == done.rollback
    assert state.rollback
    assert (state.rollback.owner, state.rollback.revision) == (ANNA.name, 3)
    assert state.rollback.rolled_back_from is Mode.REAL_POLICY
    assert state.rollback.expires_at == NOON + timedelta(hours=4)
    assert check(files).is_whole


def test_a_restore_of_a_lower_mode_takes_effect_as_it_is(
    store: ControlStore, files: DataFiles, copy: Path
) -> None:
    roll_back(store, Mode.PASSTHROUGH)
    backup(files, copy)
    end_rollback(store, 1)
    done = restored(files, copy)
    assert (done.event.mode_before, done.event.mode_after) == (Mode.STUB_POLICY, Mode.PASSTHROUGH)
    assert done.rollback is None


def test_a_restore_does_not_let_a_process_rise_that_its_environment_pins(
    store: ControlStore, files: DataFiles, copy: Path
) -> None:
    backup(files, copy)
    store.apply(RollBack(Mode.STUB_POLICY, "pinned"), ANNA, facts(Mode.REAL_POLICY))
    with closing(ModeReader(files.directory, Mode.REAL_POLICY)) as reader:
        assert reader.effective().mode is Mode.STUB_POLICY
        restored(files, copy)
        found = reader.effective()
    assert (found.mode, found.source) == (Mode.STUB_POLICY, Source.ROLLBACK_FLAG)


def test_a_revision_is_never_used_twice(store: ControlStore, files: DataFiles, copy: Path) -> None:
    backup(files, copy)
    used = [roll_back(store).revision, end_rollback(store, 1).revision]
    used += [restored(files, copy).event.revision or 0 for _ in range(2)]
    assert used == [1, 2, 3, 4]
    with pytest.raises(StaleError):
        store.apply(HandOver("ben", "his now", revision=2), ANNA, facts())


def test_running_readers_and_writers_follow_a_restore(
    store: ControlStore, files: DataFiles, copy: Path
) -> None:
    roll_back(store)
    backup(files, copy)
    end_rollback(store, 1)
    with closing(ModeReader(files.directory)) as reader:
        assert reader.effective().mode is Mode.STUB_POLICY
        restored(files, copy)
        assert reader.effective().mode is Mode.PASSTHROUGH
        assert end_rollback(store, 3).revision == 4
        assert reader.effective().mode is Mode.STUB_POLICY


def test_a_token_revoked_since_the_backup_stays_revoked(
    store: ControlStore, files: DataFiles, copy: Path
) -> None:
    token = {"name": "ci", "secret_hash": token_hash("s"), "tenant_id": "t", "issued_by": "anna"}
    person = {"name": "eve", "role": "operator", "added_at": "2026-05-01T12:00:00.000000Z"}
    with store.transaction() as at:
        at.insert("token", token | {"issued_at": "2026-05-01T12:00:00.000000Z"})
        at.insert("person", person)
    backup(files, copy)
    with store.transaction() as at:
        at.update("token", 1, {"revoked_at": "2026-05-01T12:30:00.000000Z"})
        at.update("person", 1, {"disabled_at": "2026-05-01T12:30:00.000000Z"})
    restored(files, copy)
    with reading(files) as connection:
        assert read_tokens(connection)[0].revoked_at == NOON + timedelta(minutes=30)
        assert connection.execute("SELECT disabled_at FROM person").fetchone()[0]


def test_everybody_is_signed_out_because_numbers_of_people_may_come_again(
    files: DataFiles, copy: Path
) -> None:
    Sessions(files).start("secret", 5, NOON)
    backup(files, copy)
    restored(files, copy)
    assert Sessions(files).find("secret", NOON) is None


def test_a_backup_of_every_older_schema_is_upgraded_on_a_copy(
    store: ControlStore, files: DataFiles, tmp_path: Path
) -> None:
    roll_back(store)
    for schema in SCHEMA_REVISIONS[:-1]:
        old = tmp_path / f"{schema}.db"
        make_file(old, schema)
        sha256 = sha256_of(old)
        done = restored(files, old)
        assert sha256_of(old) == sha256
        assert done.event.detail["sha256"] == sha256
        assert done.event.mode_after is Mode.PASSTHROUGH
        assert check(files).is_whole


def test_a_live_database_of_an_older_schema_is_upgraded_before_it_is_replaced(
    files: DataFiles, copy: Path
) -> None:
    backup(files, copy)
    make_file(files.control, SCHEMA_REVISIONS[0])
    restored(files, copy)
    assert check(files).is_whole


def test_a_restore_waits_no_longer_than_the_busy_timeout_for_a_writer(
    store: ControlStore, files: DataFiles, copy: Path
) -> None:
    backup(files, copy)
    with store.transaction(), pytest.raises(StoreTroubleError) as caught:
        restored(files, copy)
    assert caught.value.trouble is Trouble.LOCKED
    assert [path.name for path in files.directory.glob("*before-restore*")] == []
    assert [path.name for path in files.directory.glob(".restore-*")] == []


def test_a_trail_that_was_edited_is_restored_only_when_that_is_asked_for_and_told(
    store: ControlStore, files: DataFiles, copy: Path
) -> None:
    roll_back(store)
    backup(files, copy)
    with tampering(copy) as connection:
        connection.execute("UPDATE audit_event SET actor = 'os:eve'")
    with pytest.raises(InvalidError, match="can't be restored: audit trail: event 1"):
        restored(files, copy)
    done = restored(files, copy, accept_broken_trail=True)
    assert "event 1" in str(done.event.detail["broken_trail"])
