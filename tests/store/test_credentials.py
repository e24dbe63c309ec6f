"""A one-time link lets one person set a password, once and in time."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from sqlite3 import Connection

import pytest
from sqlmodel import Session, select

from flagctl.domain.access import token_hash
from flagctl.domain.times import to_text
from flagctl.errors import FlagctlError, InvalidError, UnauthorizedError
from flagctl.store.credentials import (
    change_password,
    change_profile,
    follow_link,
    read_credentials,
    read_link,
    read_person,
)
from flagctl.store.files import DataFiles
from flagctl.store.migrate import upgrade
from flagctl.store.reading import reading, rows
from flagctl.store.tables import PersonRow, SignInLinkRow
from flagctl.store.writing import ControlStore

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


class Case:
    """A store with alice in it, who has a link of one hour."""

    def __init__(self, directory: Path) -> None:
        self.files = DataFiles(directory)
        self.now = NOON
        upgrade(self.files)
        self.store = ControlStore(self.files, lambda: self.now)
        with self.store.transaction() as at:
            alice = PersonRow(name="alice", role="operator", added_at=to_text(NOON))
            at.session.add(alice)
            at.session.flush()
            self.add_link(at.session, alice, "alice's")

    def add_link(self, session: Session, person: PersonRow, secret: str) -> None:
        link = SignInLinkRow(
            person_id=person.id or 0,
            secret_hash=token_hash(secret),
            issued_at=to_text(NOON),
            expires_at=to_text(NOON + timedelta(hours=1)),
        )
        session.add(link)

    def disable(self) -> None:
        with self.store.transaction() as at:
            at.session.exec(select(PersonRow)).one().disabled_at = to_text(self.now)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        with reading(self.files) as connection:
            yield connection

    def trail(self) -> str:
        with self.read() as connection:
            return str(list(rows(connection, "SELECT * FROM audit_event")))


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path / "data")


def test_following_a_link_sets_the_password_and_says_so_in_the_trail(case: Case) -> None:
    person = follow_link(case.store, "alice's", "hash-1")
    assert (person.name, person.has_password) == ("alice", True)
    with case.read() as connection:
        found = read_credentials(connection, "alice")
    assert found is not None
    assert found.password_hash == "hash-1"
    assert "person:alice" in case.trail()
    assert "hash-1" not in case.trail()


def test_a_link_works_once(case: Case) -> None:
    follow_link(case.store, "alice's", "hash-1")
    with pytest.raises(UnauthorizedError, match="used already"):
        follow_link(case.store, "alice's", "hash-2")


def test_looking_at_a_link_does_not_use_it_up(case: Case) -> None:
    for _ in range(2):
        with case.read() as connection:
            person = read_link(connection, "alice's", case.now)
        assert person is not None
        assert person.name == "alice"


def test_a_link_dies_of_old_age(case: Case) -> None:
    case.now = NOON + timedelta(hours=1)
    with case.read() as connection:
        assert read_link(connection, "alice's", case.now) is None
    with pytest.raises(UnauthorizedError):
        follow_link(case.store, "alice's", "hash-1")


def test_a_disabled_person_gets_in_neither_by_link_nor_by_password(case: Case) -> None:
    person = follow_link(case.store, "alice's", "hash-1")
    with case.store.transaction() as at:
        case.add_link(at.session, at.session.exec(select(PersonRow)).one(), "another")
    case.disable()
    with pytest.raises(UnauthorizedError):
        follow_link(case.store, "another", "hash-2")
    with case.read() as connection:
        assert read_credentials(connection, "alice") is None
    with pytest.raises(FlagctlError, match="disabled"):
        change_password(case.store, person, "hash-3")


def test_a_profile_keeps_a_time_zone_and_an_address_that_the_trail_does_not_tell(
    case: Case,
) -> None:
    person = follow_link(case.store, "alice's", "hash-1")
    change_profile(case.store, person, "Europe/Berlin", "ntfys://topic-secret")
    with case.read() as connection:
        found = read_person(connection, person.id)
    assert found is not None
    assert (found.time_zone, found.notify_url) == ("Europe/Berlin", "ntfys://topic-secret")
    assert "topic-secret" not in case.trail()


@pytest.mark.parametrize(
    ("zone", "address", "field"),
    [
        ("Mars/Olympus", "", "time_zone"),
        ("../../etc/passwd", "", "time_zone"),
        ("UTC", "json://127.0.0.1:8601/", "notify_url"),
        ("UTC", "nonsense", "notify_url"),
    ],
)
def test_a_profile_that_makes_no_sense_is_refused(
    case: Case, zone: str, address: str, field: str
) -> None:
    person = follow_link(case.store, "alice's", "hash-1")
    with pytest.raises(InvalidError) as refused:
        change_profile(case.store, person, zone, address)
    assert refused.value.field == field
