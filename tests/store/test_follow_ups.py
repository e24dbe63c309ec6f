"""What a flag left to do stays open until a person closes it."""

from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from flagctl.domain.change import Actor, EndRollback
from flagctl.errors import ConflictError, ForbiddenError, NotFoundError
from flagctl.store.audit_log import AuditFilter, list_events
from flagctl.store.connection import open_connection
from flagctl.store.files import DataFiles
from flagctl.store.follow_ups import close_follow_up, read_follow_ups
from flagctl.store.migrate import make_file, upgrade
from flagctl.store.reading import reading
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Action, Door, Role
from tests.store.acts import ANNA, MovedClock, end_rollback, facts, roll_back

LINK = "https://tracker.example.org/INC-42"


@pytest.fixture
def flag_id(store: ControlStore) -> int:
    """A rollback that was ended with something left to do."""
    begun = roll_back(store)
    store.apply(EndRollback("mended", follow_up=LINK, revision=begun.revision), ANNA, facts())
    assert begun.flag
    return begun.flag.id


def test_ending_with_a_follow_up_keeps_it_open(files: DataFiles, flag_id: int) -> None:
    with reading(files) as connection:
        (found,) = read_follow_ups(connection)
    assert (found.flag_id, found.link, found.opened_by) == (flag_id, LINK, "os:anna")


def test_ending_without_one_leaves_nothing_open(store: ControlStore, files: DataFiles) -> None:
    end_rollback(store, roll_back(store).revision)
    with reading(files) as connection:
        assert read_follow_ups(connection) == []


def test_a_person_closes_it_and_the_trail_says_so(
    store: ControlStore, files: DataFiles, flag_id: int, clock: MovedClock
) -> None:
    clock.forward(timedelta(days=2))
    closed = close_follow_up(store, flag_id, "the limit is raised", ANNA)
    assert (closed.closed_by, closed.closed_at) == ("os:anna", clock.now)
    with reading(files) as connection:
        assert read_follow_ups(connection) == []
        assert read_follow_ups(connection, closed=True) == [closed]
        (event,) = list_events(connection, AuditFilter(action=Action.CLOSE_FOLLOW_UP))
    assert (event.flag_id, event.detail["link"]) == (flag_id, LINK)


def test_closing_twice_is_refused_and_names_who_closed_it(
    store: ControlStore, flag_id: int
) -> None:
    close_follow_up(store, flag_id, "done", ANNA)
    with pytest.raises(ConflictError, match="os:anna"):
        close_follow_up(store, flag_id, "done", ANNA)


def test_a_flag_without_a_follow_up_has_none_to_close(store: ControlStore) -> None:
    with pytest.raises(NotFoundError, match="Flag 99"):
        close_follow_up(store, 99, "done", ANNA)


def test_a_viewer_closes_none(store: ControlStore, flag_id: int) -> None:
    with pytest.raises(ForbiddenError):
        close_follow_up(store, flag_id, "done", Actor("person:eve", Role.VIEWER, Door.WEB))


def test_a_follow_up_from_before_there_were_follow_ups_is_open(tmp_path: Path) -> None:
    files = DataFiles(tmp_path)
    make_file(files.control, "0002")
    with closing(open_connection(files.control)) as connection:
        connection.execute(
            "INSERT INTO flag (id, kind, mode, owner, reason, started_by, started_at, "
            "first_started_at, expires_at, extensions, revision, ended_at, ended_by, follow_up) "
            "VALUES (7, 'rollback', 'stub-policy', 'ben', 'slow', 'os:ben', :at, :at, :at, 0, 1, "
            ":at, 'os:ben', 'INC-7')",
            {"at": "2026-05-01T12:00:00.000000Z"},
        )
    upgrade(files)
    with reading(files) as connection:
        assert [(each.flag_id, each.link) for each in read_follow_ups(connection)] == [(7, "INC-7")]
