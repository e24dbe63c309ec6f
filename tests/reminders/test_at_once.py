"""What is told at once: sights come and gone, processes that lag, a store that can't be read."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from flagctl.domain.change import TakeOverBreakGlass
from flagctl.domain.process import ProcessReport
from flagctl.store.audit_log import AuditFilter, list_events
from flagctl.store.break_glass import look
from flagctl.store.heard_files import HeardFiles
from flagctl.store.reading import reading
from flagctl.store.runtime_db import ProcessRegistry
from flagctl.store.sightings import record_sighting
from flagctl.vocabulary import Action, Freshness, Mode, Part, Source
from tests.reminders.conftest import Site
from tests.store.acts import ANNA, cut_over, facts, roll_back

SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)
LOW, MIDDLE, HIGH = Mode


@pytest.fixture
def registry(site: Site) -> Iterator[ProcessRegistry]:
    registry = ProcessRegistry(site.files)
    yield registry
    registry.goodbye("p1")


def beat(site: Site, registry: ProcessRegistry, **changes: Any) -> None:
    """A process of the runtime says that it is there."""
    said: dict[str, Any] = {
        "id": "p1",
        "host": "node1",
        "pid": 12,
        "role": Part.RUNTIME,
        "version": "1",
        "started_at": site.clock.now,
        "heard_at": site.clock.now,
        "pin": None,
        "mode": MIDDLE,
        "configured": MIDDLE,
        "source": Source.DEFAULT,
        "freshness": Freshness.FRESH,
        "revision": 0,
        "in_flight": {},
    }
    assert registry.beat(ProcessReport(**said | changes))


def see_pin(site: Site) -> None:
    detail = {"host": "node1", "role": "runtime", "pin": LOW}
    record_sighting(site.store, ANNA, Action.PIN_SEEN, detail, about=("host", "role"))


def test_a_process_that_does_not_follow_within_10_s_is_told_of_once(
    site: Site, registry: ProcessRegistry
) -> None:
    beat(site, registry)
    roll_back(site.store)
    runner = site.runner()
    for _ in range(5):
        site.clock.forward(5 * SECOND)
        beat(site, registry, started_at=site.clock.now - DAY)
        site.turn(runner)
    told = site.receiver.taken()
    assert [each.title for each in told[1:]] == [
        "[production] pid 12 on node1 does not follow revision 1"
    ]
    assert "It last used revision 0 in mode stub-policy" in told[1].text


def test_a_process_that_falls_silent_instead_of_following_is_told_of(
    site: Site, registry: ProcessRegistry
) -> None:
    beat(site, registry, started_at=site.clock.now - DAY)
    roll_back(site.store)
    runner = site.runner()
    site.turn(runner, after=11 * SECOND)
    assert "pid 12 on node1 does not follow revision 1" in site.receiver.titles()[-1]


def test_a_process_that_follows_in_time_is_not_told_of(
    site: Site, registry: ProcessRegistry
) -> None:
    roll_back(site.store)
    runner = site.runner()
    for _ in range(5):
        site.clock.forward(5 * SECOND)
        beat(site, registry, revision=1)
        site.turn(runner)
    assert len(site.receiver.taken()) == 1


def test_a_pin_is_told_when_seen_daily_while_it_lowers_and_when_gone(
    site: Site, registry: ProcessRegistry
) -> None:
    beat(site, registry, pin=LOW)
    see_pin(site)
    runner = site.runner()
    site.turn(runner)
    for _ in range(2):
        site.clock.forward(DAY)
        beat(site, registry, pin=LOW)
        site.turn(runner)
    beat(site, registry, pin=None)
    site.turn(runner)
    site.turn(runner, after=DAY)
    seen, first, second, gone = site.receiver.titles()
    assert "pins the runtime on node1 to passthrough" in seen
    assert "ZPE_SLURM_ADAPTER=passthrough lowers processes on node1" in first
    assert first == second
    assert "pins the runtime on node1 to passthrough no more" in gone


def test_a_pin_that_a_rollback_covers_is_not_reminded_of(
    site: Site, registry: ProcessRegistry
) -> None:
    beat(site, registry, pin=LOW)
    see_pin(site)
    roll_back(site.store)
    runner = site.runner()
    site.clock.forward(DAY)
    beat(site, registry, pin=LOW, revision=1)
    site.turn(runner)
    assert not [title for title in site.receiver.titles() if "nobody owns" in title]


def test_a_service_that_is_down_says_nothing_of_its_pin(
    site: Site, registry: ProcessRegistry
) -> None:
    beat(site, registry, pin=LOW)
    see_pin(site)
    runner = site.runner()
    site.turn(runner, after=2 * DAY)
    assert len(site.receiver.titles()) == 1


def test_a_pin_is_not_gone_while_a_process_that_lives_is_not_on_record(
    site: Site, registry: ProcessRegistry
) -> None:
    beat(site, registry, pin=LOW)
    see_pin(site)
    runner = site.runner()
    site.turn(runner)
    beat(site, registry, pin=None)
    HeardFiles(site.files.heard).begin("lost", site.clock.now.timestamp())
    site.turn(runner)
    assert len(site.receiver.titles()) == 1
    HeardFiles(site.files.heard).end("lost")
    site.turn(runner)
    assert len(site.receiver.titles()) == 2


def test_a_pin_that_comes_back_is_told_anew(site: Site, registry: ProcessRegistry) -> None:
    beat(site, registry, pin=LOW)
    see_pin(site)
    runner = site.runner()
    site.turn(runner)
    beat(site, registry, pin=None)
    site.turn(runner)
    beat(site, registry, pin=LOW)
    see_pin(site)
    site.turn(runner)
    with reading(site.files) as connection:
        told = [event.action for event in list_events(connection, AuditFilter())][::-1]
    assert told == [Action.PIN_SEEN, Action.PIN_GONE, Action.PIN_SEEN]
    assert len(site.receiver.titles()) == 3


def test_a_break_glass_file_is_told_when_seen_and_when_gone(site: Site) -> None:
    site.files.break_glass.touch()
    glass = look(site.files.break_glass)
    assert glass
    change = TakeOverBreakGlass(
        LOW, glass.host, str(glass.path.absolute()), "carol", glass.modified_at
    )
    site.store.apply(change, ANNA, facts())
    runner = site.runner()
    site.turn(runner)
    site.files.break_glass.unlink()
    site.turn(runner)
    site.turn(runner, after=SECOND)
    for path in ("/ops", "/admins"):
        first, second = site.receiver.taken(path)
        assert "stub-policy → passthrough by anna" in first.title
        assert "a BREAK_GLASS file on" in first.text
        assert "is gone" in second.title


def test_every_flip_both_ways_is_told(site: Site) -> None:
    cut_over(site.store, HIGH, 0)
    roll_back(site.store, MIDDLE)
    roll_back(site.store, LOW)
    site.turn(site.runner())
    assert [title.split()[1:4] for title in site.receiver.titles()] == [
        ["stub-policy", "→", "real-policy"],
        ["real-policy", "→", "stub-policy"],
        ["stub-policy", "→", "passthrough"],
    ]


def test_a_store_that_cannot_be_read_is_told_directly_once_per_outage(site: Site) -> None:
    runner, other = site.runner(), site.runner()
    site.turn(runner)
    content = site.files.control.read_bytes()
    site.files.control.write_bytes(b"this is no database" * 100)
    for after in (SECOND, 5 * SECOND, 5 * SECOND, 60 * SECOND):
        site.turn(runner, after=after)
    assert len(site.receiver.taken("/ops")) == len(site.receiver.taken("/admins")) == 1
    told = site.receiver.taken("/ops")[0]
    assert "the control store on" in told.title
    assert "touch BREAK_GLASS" in told.text
    runner.release()
    for after in (SECOND, 20 * SECOND):
        site.turn(other, after=after)
    assert len(site.receiver.taken("/ops")) == 1
    site.files.control.write_bytes(content)
    site.turn(other, after=SECOND)
    site.files.control.write_bytes(b"damaged once more" * 100)
    for after in (SECOND, 11 * SECOND):
        site.turn(other, after=after)
    assert len(site.receiver.taken("/ops")) == 2


def test_a_store_that_is_back_within_seconds_alarms_nobody(site: Site) -> None:
    runner = site.runner()
    content = site.files.control.read_bytes()
    site.files.control.write_bytes(b"gibberish" * 100)
    site.turn(runner)
    site.files.control.write_bytes(content)
    site.turn(runner, after=9 * SECOND)
    assert site.receiver.arrivals == []


def test_an_outage_is_told_to_a_channel_that_is_back_later(site: Site) -> None:
    site.receiver.answers["/ops"] = 500
    runner = site.runner()
    site.files.control.write_bytes(b"gibberish" * 100)
    site.turn(runner)
    site.turn(runner, after=11 * SECOND)
    site.receiver.answers.clear()
    site.turn(runner, after=31 * SECOND)
    assert len(site.receiver.taken("/ops")) == len(site.receiver.taken("/admins")) == 1


def test_an_outage_that_ended_while_nobody_ran_does_not_hide_the_next_one(site: Site) -> None:
    content = site.files.control.read_bytes()
    for count in (1, 2):
        site.files.control.write_bytes(b"gibberish" * 100)
        runner = site.runner()
        site.turn(runner, after=MINUTE)
        site.turn(runner, after=11 * SECOND)
        assert len(site.receiver.taken("/ops")) == count
        runner.release()
        site.files.control.write_bytes(content)
        after_the_restart = site.runner()
        site.turn(after_the_restart, after=SECOND)
        after_the_restart.release()
