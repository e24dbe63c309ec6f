"""Three real processes on one data directory, whose leader is killed, and a bad receiver."""

import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from subprocess import PIPE, Popen

import pytest

from flagctl.domain.change import RollBack
from flagctl.domain.delivery import BACK_OFF, CLAIM
from flagctl.domain.reminder_words import DeliveryState
from flagctl.store.lease import LEASE
from flagctl.store.reading import reading
from flagctl.store.reminder_reading import read_channels_due, read_untold
from flagctl.vocabulary import Mode
from tests.reminders.conftest import Site
from tests.reminders.receiver import Receiver
from tests.store.acts import ANNA, facts
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
HOUR = timedelta(hours=1)


@dataclass
class Crowd:
    """The processes by name, on a clock that stands still until it is moved."""

    site: Site
    clock_file: Path
    processes: dict[str, Popen[str]] = field(default_factory=dict)

    def start(self, count: int = 1) -> None:
        """Start so many more processes and wait until all of them run."""
        for process in [self._start() for _ in range(count)]:
            assert process.stdout
            self.processes[process.stdout.readline().strip()] = process

    def _start(self) -> Popen[str]:
        receiver = self.site.receiver
        arguments = [
            str(self.site.files.directory),
            str(self.clock_file),
            f"{receiver.url('/ops')}?rto=60",
            receiver.url("/admins"),
        ]
        return Popen(
            [sys.executable, "-m", "tests.reminders.process", *arguments],
            stdin=PIPE,
            stdout=PIPE,
            text=True,
            cwd=ROOT,
        )

    def move_clock(self, span: timedelta, *, while_in_flight: bool = False) -> None:
        """Move the clock when nothing is on its way: no claim runs out while it is worked on."""
        if not while_in_flight:
            wait_until(self.is_quiet)
        self.site.clock.forward(span)
        self._write_clock()

    def jump_clock(self, span: timedelta) -> None:
        """Set the clock of all processes while no time passes."""
        self.site.clock.jump(span)
        self._write_clock()

    def _write_clock(self) -> None:
        clock, fresh = self.site.clock, self.clock_file.with_suffix(".new")
        fresh.write_text(f"{clock.now.isoformat()} {clock.passed.total_seconds()}")
        fresh.replace(self.clock_file)

    def leader(self) -> str:
        """The name of the process that has the lease."""
        runtime = f"file:{self.site.files.runtime}?mode=ro"
        try:
            with closing(sqlite3.connect(runtime, uri=True)) as connection:
                found = connection.execute("SELECT holder FROM lease WHERE name = 'reminders'")
                return str((found.fetchone() or [""])[0])
        except sqlite3.OperationalError:
            return ""

    def deliverer(self) -> str:
        """The name of the process that has a delivery in its hands."""
        with reading(self.site.files) as connection:
            found = connection.execute("SELECT claimed_by FROM delivery WHERE state = 'waiting'")
            return next((name for (name,) in found.fetchall() if name), "")

    def is_quiet(self) -> bool:
        """Whether everything due was tried, and no living process has anything in its hands."""
        with reading(self.site.files) as connection:
            due = read_untold(connection) or read_channels_due(
                connection, self.site.clock.now, self.site.clock.uptime()
            )
            found = connection.execute("SELECT claimed_by FROM delivery WHERE state = 'waiting'")
            return not due and not any(name in self.processes for (name,) in found.fetchall())

    def kill(self, name: str) -> None:
        process = self.processes.pop(name)
        process.kill()
        process.communicate()

    def until(self, condition: Callable[[], object], step: timedelta) -> None:
        """Move the clock on until something has happened."""

        def moved() -> object:
            self.move_clock(step)
            return condition()

        wait_until(moved)

    def undelivered(self) -> list[str]:
        return [who for who, state in self.site.states() if state is DeliveryState.WAITING]


@pytest.fixture
def crowd(site: Site, tmp_path: Path) -> Iterator[Crowd]:
    crowd = Crowd(site, tmp_path / "clock")
    crowd.move_clock(timedelta(0), while_in_flight=True)
    site.add_person("bob", "/bob")
    yield crowd
    site.receiver.let_go()
    for name in list(crowd.processes):
        crowd.kill(name)


def begin(site: Site) -> None:
    site.store.apply(RollBack(Mode.PASSTHROUGH, "slow", owner="bob"), ANNA, facts())


def test_three_processes_tell_each_stage_once(crowd: Crowd) -> None:
    receiver = crowd.site.receiver
    begin(crowd.site)
    crowd.start(3)
    for count, span in enumerate((timedelta(0), 4 * HOUR, HOUR, 3 * HOUR, 20 * HOUR), start=1):
        crowd.move_clock(span)
        wait_until(lambda count=count: len(receiver.taken("/ops")) == count)  # type: ignore[misc]
        wait_until(lambda count=count: len(receiver.taken("/bob")) == count)  # type: ignore[misc]
    wait_until(lambda: len(receiver.taken("/admins")) == 2)
    assert receiver.twice() == []


def test_when_the_leader_is_killed_while_it_delivers_everything_arrives(crowd: Crowd) -> None:
    receiver = crowd.site.receiver
    begin(crowd.site)
    crowd.start(3)
    wait_until(lambda: receiver.taken("/ops") and receiver.taken("/bob"))
    receiver.hanging.add("/ops")
    crowd.move_clock(4 * HOUR)
    # What bob got is recorded, so that the one in flight is the only one in doubt.
    wait_until(lambda: receiver.held and len(crowd.undelivered()) == 1)
    in_flight = "/ops", "2"
    # Whoever had the lease when the clock jumped delivers, whoever has it by now.
    crowd.kill(crowd.deliverer())
    receiver.let_go()
    wait_until(lambda: len(receiver.arrivals) == 4)
    crowd.until(lambda: len(receiver.taken("/ops")) >= 3, step=timedelta(seconds=1))
    assert receiver.twice() == [in_flight]
    for span in (HOUR, 3 * HOUR, 20 * HOUR):
        before = len(receiver.taken("/bob"))
        crowd.move_clock(span)
        wait_until(lambda before=before: len(receiver.taken("/bob")) == before + 1)  # type: ignore[misc]
    wait_until(lambda: len(receiver.taken("/ops")) == 6)
    wait_until(lambda: not crowd.undelivered())
    assert receiver.twice() == [in_flight]


def test_a_clock_that_jumps_while_something_is_sent_delivers_nothing_twice(crowd: Crowd) -> None:
    receiver = crowd.site.receiver
    begin(crowd.site)
    crowd.start(3)
    wait_until(lambda: receiver.taken("/ops") and receiver.taken("/bob"))
    receiver.hanging.add("/ops")
    crowd.move_clock(4 * HOUR)
    wait_until(lambda: receiver.held and len(crowd.undelivered()) == 1)
    leader = crowd.leader()
    # Longer than any claim or lease; with it the stage of an hour after the expiry has come.
    crowd.jump_clock(2 * HOUR)
    wait_until(lambda: len(receiver.taken("/bob")) == 3)
    crowd.jump_clock(-HOUR)
    wait_until(lambda: len(crowd.undelivered()) == 2)
    assert crowd.leader() == leader
    assert receiver.held == ["/ops"]
    receiver.let_go()
    wait_until(lambda: not crowd.undelivered())
    assert len(receiver.taken("/ops")) == 3
    assert receiver.twice() == []


def test_another_process_takes_over_within_seconds(crowd: Crowd) -> None:
    crowd.start()
    first = wait_until(crowd.leader)
    crowd.start()
    crowd.kill(first)
    begin(crowd.site)
    crowd.move_clock(LEASE, while_in_flight=True)
    wait_until(lambda: crowd.site.receiver.taken("/ops"))
    assert crowd.leader() != first


def test_a_receiver_that_fails_hangs_and_is_away_gets_each_stage_once_when_it_is_back(
    crowd: Crowd,
) -> None:
    site = crowd.site
    begin(site)
    crowd.start(3)
    wait_until(lambda: site.receiver.taken("/ops") and site.receiver.taken("/bob"))
    site.receiver.answers["/ops"] = 500
    crowd.move_clock(4 * HOUR)
    wait_until(lambda: [each for each in site.receiver.arrivals if each.status == 500])
    site.receiver.answers.clear()
    site.receiver.hanging.add("/ops")
    crowd.move_clock(BACK_OFF[0])
    wait_until(lambda: site.receiver.held)
    away = site.receiver
    away.close()
    wait_until(lambda: len(away.taken("/ops")) == 2)
    crowd.move_clock(HOUR)
    wait_until(lambda: any(who == "bob" for who in crowd.undelivered()))
    back = Receiver(away.port)
    site.receiver = back
    try:
        crowd.until(lambda: not crowd.undelivered(), step=CLAIM)
        every = [*away.arrivals, *back.arrivals]
        taken = [(each.path, each.reminder) for each in every if each.status == 200]
        assert sorted(taken) == [
            ("/bob", "1"),
            ("/bob", "2"),
            ("/bob", "3"),
            ("/ops", "1"),
            ("/ops", "2"),
            ("/ops", "3"),
        ]
    finally:
        back.close()
