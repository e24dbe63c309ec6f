"""A service with the adapter built in is one of the processes heard of (decision 14)."""

import gc
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flagctl.adapter import SlurmAdapter
from flagctl.domain.change import Actor, RollBack
from flagctl.domain.gate import Facts
from flagctl.domain.impact import minute_of
from flagctl.domain.process import ProcessReport, convergence
from flagctl.settings import Settings
from flagctl.store.files import DataFiles
from flagctl.store.heard import heard_of
from flagctl.store.migrate import upgrade
from flagctl.store.reading import read_state, reading
from flagctl.store.resolution_counts import counts_between
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Door, Mode, Part, Role, Source
from tests.guards.tree import ROOT
from tests.waiting import wait_until

LOW, MIDDLE, HIGH = Mode
ALICE = Actor("os:alice", Role.ADMIN, Door.CLI)


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def files(tmp_path: Path) -> DataFiles:
    files = DataFiles(tmp_path)
    upgrade(files)
    return files


def roll_back(files: DataFiles) -> int:
    store = ControlStore(files, now)
    try:
        return store.apply(RollBack(LOW, "smoke"), ALICE, Facts()).revision
    finally:
        store.close()


@dataclass
class Service:
    popen: subprocess.Popen[str]
    pid: int

    def ask(self, line: str) -> str:
        assert self.popen.stdin is not None
        assert self.popen.stdout is not None
        self.popen.stdin.write(f"{line}\n")
        self.popen.stdin.flush()
        return self.popen.stdout.readline().strip()

    def end(self) -> None:
        self.popen.communicate()
        assert self.popen.returncode == 0


Serve = Callable[..., Service]


@pytest.fixture
def serve(files: DataFiles) -> Iterator[Serve]:
    """Starts real services, and ends those that are left."""
    started: list[Service] = []

    def make(*pin: str) -> Service:
        popen = subprocess.Popen(
            [sys.executable, "-m", "tests.adapter.embedded_service", str(files.directory), *pin],
            cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert popen.stdout is not None
        started.append(Service(popen, int(popen.stdout.readline())))
        return started[-1]

    yield make
    for service in started:
        if service.popen.poll() is None:
            service.end()


def only(files: DataFiles) -> ProcessReport:
    (report,) = heard_of(files)
    return report


def test_a_service_is_heard_of_with_its_first_resolution_and_not_before(
    files: DataFiles, serve: Serve
) -> None:
    service = serve(LOW)
    assert heard_of(files) == []
    assert service.ask("resolve") == LOW
    wait_until(lambda: heard_of(files))
    said = only(files)
    assert (said.role, said.pid, said.pin) == (Part.EMBEDDED, service.pid, LOW)
    assert (said.mode, said.source, said.revision) == (LOW, Source.ENV, 0)


def test_an_idle_service_follows_a_flip_and_proves_it(files: DataFiles, serve: Serve) -> None:
    service = serve()
    assert service.ask("resolve") == MIDDLE
    wait_until(lambda: heard_of(files))
    revision = roll_back(files)
    wait_until(lambda: convergence(heard_of(files), revision, now()).is_proven)
    assert service.ask("resolve") == LOW


def test_a_service_that_ends_says_goodbye(files: DataFiles, serve: Serve) -> None:
    service = serve()
    service.ask("resolve")
    wait_until(lambda: heard_of(files))
    service.end()
    assert heard_of(files) == []


def test_a_worker_forked_after_the_first_use_is_heard_of_as_its_own(
    files: DataFiles, serve: Serve
) -> None:
    service = serve()
    service.ask("resolve")
    wait_until(lambda: heard_of(files))
    worker = int(service.ask("fork"))
    service.ask("resolve")
    wait_until(lambda: {each.pid for each in heard_of(files)} == {service.pid, worker})
    revision = roll_back(files)
    wait_until(lambda: convergence(heard_of(files), revision, now()).is_proven)
    assert len(heard_of(files)) == 2
    service.end()
    assert heard_of(files) == []


def test_a_worker_forked_before_the_first_use_is_heard_of(files: DataFiles, serve: Serve) -> None:
    service = serve()
    worker = int(service.ask("fork"))
    service.ask("resolve")
    wait_until(lambda: worker in {each.pid for each in heard_of(files)})
    service.end()


def test_a_break_glass_file_that_only_a_service_sees_becomes_a_flag(
    files: DataFiles, serve: Serve
) -> None:
    service = serve()
    service.ask("resolve")
    files.break_glass.touch()

    def rollback() -> Mode | None:
        with reading(files) as connection:
            return read_state(connection).rollback_mode

    wait_until(lambda: rollback() is LOW)
    files.break_glass.unlink()
    assert service.ask("resolve") == LOW


@pytest.fixture
def adapter(files: DataFiles) -> Iterator[SlurmAdapter]:
    made = SlurmAdapter.from_settings(Settings(data_dir=files.directory))
    yield made
    made.close()


def test_what_a_service_resolves_is_counted(files: DataFiles, adapter: SlurmAdapter) -> None:
    for _ in range(3):
        adapter.resolve("standard")
    adapter.close()

    def counted() -> int:
        counts = counts_between(files, minute_of(now()) - 1, minute_of(now())) or {}
        return sum(counts.values())

    wait_until(lambda: counted() == 3)


def test_an_adapter_that_nobody_holds_any_more_says_goodbye(files: DataFiles) -> None:
    adapter = SlurmAdapter.from_settings(Settings(data_dir=files.directory))
    adapter.resolve("standard")
    wait_until(lambda: heard_of(files))
    del adapter
    gc.collect()
    wait_until(lambda: heard_of(files) == [])


def test_a_closed_adapter_begins_anew_with_its_next_use(
    files: DataFiles, adapter: SlurmAdapter
) -> None:
    adapter.resolve("standard")
    wait_until(lambda: heard_of(files))
    adapter.close()
    wait_until(lambda: heard_of(files) == [])
    assert adapter.effective().mode is MIDDLE
    wait_until(lambda: heard_of(files))


def test_a_script_that_asks_once_need_not_register(files: DataFiles) -> None:
    adapter = SlurmAdapter.from_settings(Settings(data_dir=files.directory), registers=False)
    before = threading.active_count()
    adapter.resolve("standard")
    assert threading.active_count() == before
    adapter.close()
    assert not files.runtime.exists()


def test_a_registry_that_can_not_be_made_fails_no_resolution(
    files: DataFiles, adapter: SlurmAdapter
) -> None:
    (files.runtime / "in the way").mkdir(parents=True)
    for _ in range(100):
        assert adapter.resolve("standard").resolved_queue == "standard"
    assert heard_of(files) == []


def test_a_system_without_threads_to_spare_fails_no_resolution(
    files: DataFiles, adapter: SlurmAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    for _ in range(100):
        assert adapter.resolve("standard").resolved_queue == "standard"


FORKS_WHILE_IT_STARTS = """
import logging, os, sys, threading
import structlog
from flagctl.adapter import SlurmAdapter
from flagctl.settings import load_settings

# A lock of structlog's own that one thread holds while it prints is never free in the child.
structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
adapter = SlurmAdapter.from_settings(load_settings({"FLAGCTL_DATA_DIR": sys.argv[1]}))
done = threading.Event()

def begin_anew():
    while not done.is_set():
        adapter.resolve("standard")
        adapter.close()

thread = threading.Thread(target=begin_anew, daemon=True)
thread.start()
for _ in range(25):
    if (child := os.fork()) == 0:
        adapter.resolve("standard")
        adapter.close()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
done.set()
thread.join()
"""


def test_a_fork_while_another_thread_begins_holds_neither_up(files: DataFiles) -> None:
    command = [sys.executable, "-c", FORKS_WHILE_IT_STARTS, str(files.directory)]
    subprocess.run(command, cwd=ROOT, timeout=300, check=True)
    assert heard_of(files) == []


def test_many_first_uses_at_once_make_one_process(files: DataFiles, adapter: SlurmAdapter) -> None:
    threads = [threading.Thread(target=adapter.resolve, args=("standard",)) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait_until(lambda: heard_of(files))
    assert len([each for each in threading.enumerate() if each.name == "flagctl-watch"]) == 1
