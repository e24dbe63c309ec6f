"""The same with real processes: several at once, killed, forked, and started without a store."""

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from flagctl.domain.audit import AuditEvent
from flagctl.domain.change import RollBack
from flagctl.domain.gate import Facts
from flagctl.domain.process import Convergence, convergence
from flagctl.store.files import DataFiles
from flagctl.store.heard import heard_of
from flagctl.store.migrate import upgrade
from flagctl.store.resolution_counts import counts_between
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Action, Mode, Outcome
from tests.guards.tree import ROOT
from tests.waiting import wait_until
from tests.watch.conftest import ADMIN, Trail

LOW, MIDDLE, HIGH = Mode


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Child:
    """A real adapter process; `mode` is what its next request gets."""

    popen: subprocess.Popen[str]

    @property
    def mode(self) -> Mode:
        assert self.popen.stdin is not None
        assert self.popen.stdout is not None
        self.popen.stdin.write("\n")
        self.popen.stdin.flush()
        return Mode(self.popen.stdout.readline().strip())

    def stop(self) -> None:
        self.popen.communicate()
        assert self.popen.returncode == 0


Spawner = Callable[..., Child]


@pytest.fixture
def spawn(files: DataFiles) -> Iterator[Spawner]:
    """Starts real adapter processes, and stops those that are left."""
    started: list[Child] = []

    def make(*words: str, pin: str = "-") -> Child:
        module = "tests.watch.adapter_process"
        command = [sys.executable, "-m", module, str(files.directory), pin, *words]
        popen = subprocess.Popen(
            command, cwd=ROOT, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        started.append(Child(popen))
        assert popen.stdout is not None
        assert popen.stdout.readline() == "started\n"
        return started[-1]

    yield make
    for child in started:
        if child.popen.poll() is None:
            child.stop()


def told(trail: Trail) -> list[AuditEvent]:
    return trail.events(Action.BREAK_GLASS)


def who_follows(files: DataFiles, revision: int) -> Convergence:
    return convergence(heard_of(files), revision, now())


def test_a_flip_is_followed_by_idle_processes_and_they_prove_it(
    files: DataFiles, spawn: Spawner
) -> None:
    first, second = spawn(), spawn(pin=HIGH)
    wait_until(lambda: len(heard_of(files)) == 2)
    store = ControlStore(files, now)
    revision = store.apply(RollBack(LOW, "smoke"), ADMIN, Facts()).revision
    wait_until(lambda: who_follows(files, revision).is_proven)
    assert {each.mode for each in heard_of(files)} == {LOW}
    assert (first.mode, second.mode) == (LOW, LOW)


def test_two_processes_that_see_a_file_while_the_store_is_locked_make_one_flag_and_one_event(
    files: DataFiles, spawn: Spawner, trail: Trail
) -> None:
    first, second = spawn(pin=HIGH), spawn(pin=HIGH)
    with closing(sqlite3.connect(files.control, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        files.break_glass.touch()
        wait_until(lambda: (first.mode, second.mode) == (LOW, LOW))
        files.break_glass.unlink()
        assert (first.mode, second.mode) == (LOW, LOW)
    wait_until(lambda: trail.state().rollback)
    first.stop()
    second.stop()
    assert [event.outcome for event in told(trail)] == [Outcome.ACCEPTED]
    assert trail.state().rollback_mode is LOW
    assert trail.state().revision == 1


def test_a_file_seen_without_any_store_becomes_a_flag_when_there_is_one(
    files: DataFiles, spawn: Spawner, trail: Trail
) -> None:
    files.control.unlink()
    files.break_glass.touch()
    process = spawn()
    assert process.mode is LOW
    files.break_glass.unlink()
    assert process.mode is LOW
    upgrade(files)
    wait_until(lambda: trail.state().rollback)
    wait_until(lambda: process.mode is LOW)
    process.stop()
    assert trail.state().rollback_mode is LOW
    assert trail.verifies()


def test_a_killed_process_is_named_as_silent_after_10_s_and_a_stopped_one_is_forgotten(
    files: DataFiles, spawn: Spawner
) -> None:
    killed, stopped = spawn(), spawn()
    wait_until(lambda: len(heard_of(files)) == 2)
    pid = killed.popen.pid
    killed.popen.send_signal(signal.SIGKILL)
    killed.popen.communicate()
    stopped.stop()
    assert [each.pid for each in heard_of(files)] == [pid]
    later = now() + timedelta(seconds=10)
    receipt = convergence(heard_of(files), 99, later)
    assert [each.pid for each in receipt.silent] == [pid]
    assert receipt.behind == ()


def test_a_process_forked_after_everything_was_open_reports_as_its_own(
    files: DataFiles, spawn: Spawner, trail: Trail
) -> None:
    child = spawn("fork", pin=LOW)
    parent_pid = child.popen.pid
    wait_until(lambda: len(heard_of(files)) == 2)
    files.break_glass.touch()
    wait_until(lambda: told(trail))
    assert child.mode is LOW
    pids = {each.pid for each in heard_of(files)}
    assert len(pids) == 2
    assert parent_pid in pids
    child.stop()
    assert heard_of(files) == []


def counted(files: DataFiles) -> int:
    return sum((counts_between(files, 0, 2**40) or {}).values())


def test_what_several_processes_resolve_adds_up_also_after_one_starts_again(
    files: DataFiles, spawn: Spawner
) -> None:
    first, second = spawn(), spawn(pin=HIGH)
    assert [each.mode for each in (first, first, second)] == [MIDDLE, MIDDLE, HIGH]
    first.stop()
    again = spawn()
    assert again.mode is MIDDLE
    again.stop()
    second.stop()
    assert counted(files) == 4


def test_a_crash_loses_no_more_than_was_counted_since_the_last_heartbeat(
    files: DataFiles, spawn: Spawner
) -> None:
    process = spawn()
    assert [process.mode for _ in range(5)] == [MIDDLE] * 5
    wait_until(lambda: counted(files) == 5)
    process.popen.send_signal(signal.SIGKILL)
    process.popen.communicate()
    again = spawn()
    assert again.mode is MIDDLE
    again.stop()
    assert counted(files) == 6


def test_what_was_counted_before_a_fork_is_counted_once(files: DataFiles, spawn: Spawner) -> None:
    child = spawn("fork")
    assert [child.mode for _ in range(3)] == [MIDDLE] * 3
    child.stop()
    assert counted(files) == 4
