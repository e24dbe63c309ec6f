"""What `check` finds, each by itself."""

from contextlib import closing

import pytest

from flagctl.store.connection import open_connection
from flagctl.store.examine import check
from flagctl.store.files import DataFiles
from flagctl.store.trouble import StoreTroubleError, Trouble
from flagctl.store.writing import ControlStore
from tests.store.acts import roll_back
from tests.store.tampering import TRIGGERS, damage, tampering


def problems(files: DataFiles) -> dict[str, str | None]:
    return {finding.name: finding.problem for finding in check(files).problems}


def test_a_database_in_use_is_whole(store: ControlStore, files: DataFiles) -> None:
    roll_back(store)
    found = check(files)
    assert found.is_whole
    assert [finding.name for finding in found.findings] == [
        "pages", "references", "schema", "flags", "audit trail", "revision",
    ]  # fmt: skip
    assert found.state
    assert found.state.revision == 1


@pytest.mark.parametrize("trigger", TRIGGERS)
def test_a_lost_trigger_is_found(files: DataFiles, trigger: str) -> None:
    with closing(open_connection(files.control)) as connection:
        connection.execute(f"DROP TRIGGER {trigger}")
    assert problems(files) == {"schema": f"the trigger {trigger} is missing"}


def test_a_trigger_that_does_nothing_is_found(files: DataFiles) -> None:
    with closing(open_connection(files.control)) as connection:
        connection.execute("DROP TRIGGER audit_event_no_update")
        connection.execute(
            "CREATE TRIGGER audit_event_no_update BEFORE UPDATE ON audit_event BEGIN SELECT 1; END"
        )
    assert problems(files) == {"schema": "the trigger audit_event_no_update was changed"}


def test_a_lost_index_and_a_foreign_table_are_found(files: DataFiles) -> None:
    with closing(open_connection(files.control)) as connection:
        connection.execute("DROP INDEX flag_one_active_of_each_kind")
        connection.execute("CREATE TABLE cats (name)")
    assert problems(files) == {
        "schema": "the index flag_one_active_of_each_kind is missing; the table cats is not ours"
    }


def test_a_reference_to_nothing_is_found(store: ControlStore, files: DataFiles) -> None:
    roll_back(store)
    with closing(open_connection(files.control)) as connection:
        connection.execute("PRAGMA foreign_keys=OFF")
        connection.execute("UPDATE flag SET superseded_by = 99")
    assert problems(files) == {"references": "flag 1 names a flag"}


def test_a_flag_that_can_not_be_read_is_found(store: ControlStore, files: DataFiles) -> None:
    roll_back(store)
    with closing(open_connection(files.control)) as connection:
        connection.execute("UPDATE flag SET mode = 'sideways'")
    assert problems(files) == {"flags": "row 1: 'sideways' is not a valid Mode"}


def test_an_edited_event_is_found(store: ControlStore, files: DataFiles) -> None:
    roll_back(store)
    with tampering(files.control) as connection:
        connection.execute("UPDATE audit_event SET reason = 'nothing'")
    assert problems(files) == {"audit trail": "event 1: its content does not match its hash"}


def test_newest_events_that_were_cut_off_are_found(store: ControlStore, files: DataFiles) -> None:
    roll_back(store)
    with tampering(files.control) as connection:
        connection.execute("DELETE FROM audit_event")
    assert problems(files) == {"revision": "the flags are at revision 1, and the trail ends at 0"}


def test_damaged_pages_are_found_and_not_raised(files: DataFiles) -> None:
    with closing(open_connection(files.control)) as connection:
        connection.execute("DROP INDEX audit_event_by_time")
        connection.execute("PRAGMA writable_schema=ON")
        connection.execute("UPDATE sqlite_master SET rootpage = 3 WHERE name = 'token'")
    found = check(files)
    assert not found.is_whole
    assert [finding.name for finding in found.findings] == ["pages"]


def test_a_file_that_is_damaged_from_its_second_page_is_told_as_such(files: DataFiles) -> None:
    damage(files.control)
    with pytest.raises(StoreTroubleError) as caught:
        check(files)
    assert caught.value.trouble is Trouble.CORRUPT
