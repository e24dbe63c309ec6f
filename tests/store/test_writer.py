"""The connection that a process keeps for its writes: over threads, forks and new files."""

import os
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from sqlmodel import select

from flagctl.store.audit_log import verify_trail
from flagctl.store.connection import open_connection
from flagctl.store.files import DataFiles
from flagctl.store.reading import read_state, reading
from flagctl.store.tables import PersonRow
from flagctl.store.trouble import StoreTroubleError, Trouble
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Mode
from tests.store.acts import MovedClock, end_rollback, roll_back


def revision_in(files: DataFiles) -> int:
    with reading(files) as connection:
        assert verify_trail(connection).holds
        return read_state(connection).revision


def put_in_place(new: Path, files: DataFiles) -> None:
    """Replace control.db as an administrator would: the old file and what lies beside it go."""
    for suffix in ("-wal", "-shm"):
        Path(f"{files.control}{suffix}").unlink(missing_ok=True)
    new.rename(files.control)


def copy_of(files: DataFiles, tmp_path: Path) -> Path:
    new = tmp_path / "copy.db"
    with closing(open_connection(files.control)) as source, closing(sqlite3.connect(new)) as copy:
        source.backup(copy)
    return new


def test_an_act_after_the_file_was_replaced_is_written_to_the_new_file(
    store: ControlStore, files: DataFiles, tmp_path: Path
) -> None:
    roll_back(store)
    put_in_place(copy_of(files, tmp_path), files)
    end_rollback(store, 1)
    assert revision_in(files) == 2


def test_a_file_that_is_replaced_while_an_act_waits_for_the_lock_is_noticed(
    files: DataFiles, clock: MovedClock, tmp_path: Path
) -> None:
    new = copy_of(files, tmp_path)
    patient = ControlStore(files, clock, busy_timeout_s=20)
    with closing(patient), closing(open_connection(files.control)) as other:
        with patient.transaction() as at:
            at.state()
        other.execute("BEGIN IMMEDIATE")
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(roll_back, patient)
            put_in_place(new, files)
            other.execute("ROLLBACK")
            waiting.result()
    assert revision_in(files) == 1


def test_an_act_on_a_file_that_was_removed_is_refused(
    store: ControlStore, files: DataFiles
) -> None:
    roll_back(store)
    files.control.unlink()
    with pytest.raises(StoreTroubleError, match="does not exist") as caught:
        end_rollback(store, 1)
    assert caught.value.trouble is Trouble.MISSING
    assert not files.control.exists()


@pytest.mark.parametrize("suffix", ["-wal", "-shm"])
def test_an_act_is_refused_when_the_wal_was_removed_under_the_process(
    store: ControlStore, files: DataFiles, suffix: str
) -> None:
    roll_back(store)
    Path(f"{files.control}{suffix}").unlink()
    for _ in range(2):
        with pytest.raises(StoreTroubleError) as caught:
            end_rollback(store, 1)
        assert caught.value.trouble is Trouble.WAL_REMOVED


def test_a_child_made_by_fork_and_its_parent_write_in_turn(
    store: ControlStore, files: DataFiles
) -> None:
    roll_back(store)
    child = os.fork()
    if child == 0:
        end_rollback(store, 1)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    roll_back(store)
    assert revision_in(files) == 3


def test_a_child_holds_locks_of_its_own(store: ControlStore, files: DataFiles) -> None:
    """What was inherited would make it believe that it holds its parent's locks."""
    roll_back(store)
    ready, leave = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        with store.transaction():
            os.write(ready[1], b".")
            os.read(leave[0], 1)
        os._exit(0)
    os.read(ready[0], 1)
    with pytest.raises(StoreTroubleError) as caught:
        end_rollback(store, 1)
    assert caught.value.trouble is Trouble.LOCKED
    os.write(leave[1], b".")
    assert os.waitpid(child, 0)[1] == 0
    end_rollback(store, 1)
    assert revision_in(files) == 2


def test_a_fork_waits_for_the_act_of_another_thread(store: ControlStore, files: DataFiles) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def act_slowly() -> None:
        with store.transaction() as at:
            at.update("control", 1, {"revision": 7})
            inside.set()
            go_on.wait(60)

    thread = threading.Thread(target=act_slowly)
    thread.start()
    inside.wait(60)
    threading.Timer(0.05, go_on.set).start()
    child = os.fork()
    if child == 0:
        os._exit(0 if revision_in(files) == 7 else 1)
    thread.join()
    assert os.waitpid(child, 0)[1] == 0


def test_threads_take_turns(files: DataFiles, clock: MovedClock) -> None:
    with (
        closing(ControlStore(files, clock, busy_timeout_s=20)) as store,
        ThreadPoolExecutor(8) as pool,
    ):
        modes = [Mode.PASSTHROUGH, Mode.STUB_POLICY] * 20
        receipts = list(pool.map(lambda mode: roll_back(store, mode), modes))
    assert sorted(receipt.event.id for receipt in receipts) == list(range(1, 41))
    assert revision_in(files) == 1


def test_a_thread_that_waits_beyond_the_busy_timeout_is_told_that_the_store_is_locked(
    store: ControlStore,
) -> None:
    with (
        store.transaction(),
        ThreadPoolExecutor(1) as pool,
        pytest.raises(StoreTroubleError, match="by a thread of this process") as caught,
    ):
        pool.submit(roll_back, store).result()
    assert caught.value.trouble is Trouble.LOCKED
    assert roll_back(store).revision == 1


def test_what_fails_inside_a_transaction_leaves_nothing(
    store: ControlStore, files: DataFiles
) -> None:
    def fail() -> None:
        with store.transaction() as at:
            at.update("control", 1, {"revision": 7})
            at.session.add(PersonRow(name="anna", role="admin", added_at="now"))
            at.session.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert revision_in(files) == 0
    with store.transaction() as at:
        assert at.session.exec(select(PersonRow)).all() == []


def test_rows_added_by_the_orm_are_committed_with_the_transaction(store: ControlStore) -> None:
    with store.transaction() as at:
        at.session.add(PersonRow(name="anna", role="admin", added_at="now"))
    with store.transaction() as at:
        assert [row.name for row in at.session.exec(select(PersonRow))] == ["anna"]


def test_a_row_that_is_not_there_can_not_be_changed(store: ControlStore) -> None:
    with pytest.raises(LookupError, match="flag has no row 99"), store.transaction() as at:
        at.update("flag", 99, {"owner": "ben"})


def test_a_mistake_of_the_code_is_not_told_as_trouble_with_the_disk(store: ControlStore) -> None:
    person = {"name": "anna", "role": "admin", "added_at": "now"}
    with store.transaction() as at:
        at.insert("person", person)
    with pytest.raises(sqlite3.IntegrityError), store.transaction() as at:
        at.insert("person", person)
