"""Searching the trail: exact, paged by key in both directions, and bounded in time."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain
from sqlite3 import Connection

import pytest

from flagctl.domain.change import Actor
from flagctl.store.audit_log import Entry
from flagctl.store.audit_search import Found, Search, find, walk
from flagctl.store.files import DataFiles
from flagctl.store.migrate import upgrade
from flagctl.store.reading import reading
from flagctl.store.transaction import Transaction
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Action, Door, Outcome, Role

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
EVENTS = 2500
"""More than a stretch, so that several are walked."""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> DataFiles:
    files = DataFiles(tmp_path_factory.mktemp("trail"))
    fill(files)
    return files


def fill(files: DataFiles) -> None:
    """Write a trail: an event a minute, every tenth by bob, one refused, one with rare words."""
    upgrade(files)
    clock = [NOON]
    store = ControlStore(files, lambda: clock[0])
    for number in range(1, EVENTS + 1, 250):
        with store.transaction() as at:
            for each in range(number, number + 250):
                moved = Transaction(at.connection, NOON + timedelta(minutes=each))
                moved.record(entry(each))


def entry(number: int) -> Entry:
    name = "person:bob" if number % 10 == 0 else "os:alice"
    return Entry(
        Actor(name, Role.OPERATOR, Door.CLI),
        Action.EXTEND if number % 2 else Action.HAND_OVER,
        Outcome.REFUSED if number == 3 else Outcome.ACCEPTED,
        flag_id=1 if number < 100 else 2,
        reason="50% of_it" if number == 7 else f"reason {number}",
        detail={"note": "Käse" if number == 9 else None},
    )


@pytest.fixture
def trail(files: DataFiles) -> Iterator[Connection]:
    with reading(files) as connection:
        yield connection


def ids(found: Found) -> list[int]:
    return [event.id for event in found.events]


def test_the_newest_page_comes_first_and_has_only_older_ones(trail: Connection) -> None:
    found = find(trail, Search(), limit=3)
    assert ids(found) == [EVENTS, EVENTS - 1, EVENTS - 2]
    assert (found.has_older, found.has_newer) == (True, False)


def test_pages_lead_down_to_the_first_event_and_up_again(trail: Connection) -> None:
    wanted = Search(actor="bob")
    down, before = [], None
    while True:
        found = find(trail, wanted, before=before, limit=60)
        down.append(ids(found))
        if not found.has_older:
            break
        before = found.events[-1].id
    assert list(chain.from_iterable(down)) == list(range(EVENTS, 0, -10))
    up, after = [down[-1]], down[-1][0]
    while True:
        found = find(trail, wanted, after=after, limit=60)
        up.append(ids(found))
        if not found.has_newer:
            break
        after = found.events[0].id
    assert list(chain.from_iterable(reversed(up))) == list(range(EVENTS, 0, -10))


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Search(actor="person:bob", flag_id=1), list(range(90, 0, -10))),
        (Search(actor="os:bob"), []),
        (Search(outcome=Outcome.REFUSED), [3]),
        (Search(actions=(Action.EXTEND,), flag_id=1), list(range(99, 0, -2))),
        (Search(actions=(Action.EXTEND, Action.HAND_OVER), flag_id=1), list(range(99, 0, -1))),
        (Search(text="50% of_it"), [7]),
        (Search(text="%"), [7]),
        (Search(text="KÄSE"), []),
        (Search(text="Käse"), [9]),
        (Search(text="REASON 2499"), [2499]),
        (Search(since=NOON + timedelta(minutes=2498)), [2500, 2499, 2498]),
        (Search(until=NOON + timedelta(minutes=3)), [2, 1]),
        (Search(since=NOON + timedelta(days=9)), []),
        (Search(until=NOON), []),
        (
            Search(since=NOON + timedelta(minutes=5), until=NOON + timedelta(minutes=8)),
            [7, 6, 5],
        ),
    ],
)
def test_a_filter_finds_exactly_what_fits(
    trail: Connection, wanted: Search, expected: list[int]
) -> None:
    assert ids(find(trail, wanted, limit=1000)) == expected
    assert [event.id for event in walk(trail, wanted)] == expected


def test_a_search_stops_when_its_time_is_over_and_says_where(trail: Connection) -> None:
    found = find(trail, Search(text="50% of_it"), monotonic=iter(range(99)).__next__)
    assert (ids(found), found.has_older) == ([], True)
    assert found.stopped_at == EVENTS - 999
    rest = find(trail, Search(text="50% of_it"), before=found.stopped_at)
    assert (ids(rest), rest.stopped_at) == ([7], None)


def test_a_search_that_looked_at_everything_in_time_stopped_nowhere(trail: Connection) -> None:
    found = find(trail, Search(text="nobody wrote this"))
    assert (ids(found), found.stopped_at, found.has_older) == ([], None, False)
