"""Whatever happens to runtime.db, submissions are accepted, and health says what is wrong."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from flagctl.domain.process import ProcessReport
from flagctl.store.files import DataFiles
from flagctl.store.heard import heard_of
from flagctl.store.runtime_db import ProcessRegistry
from flagctl.vocabulary import Mode, Source
from tests.reports import STAYS_LIVE, report
from tests.runtime.commands import PATH, command
from tests.runtime.conftest import MakeRuntime, Serve
from tests.runtime.tenants import bearer
from tests.waiting import wait_until

Trouble = Callable[[DataFiles], AbstractContextManager[None]]


def removed(files: DataFiles) -> None:
    for path in files.directory.glob("runtime.db*"):
        path.unlink()


def say(files: DataFiles, said: ProcessReport) -> None:
    registry = ProcessRegistry(files)
    assert registry.beat(said)
    registry.goodbye("nobody")  # lets go of the file


@contextmanager
def locked(files: DataFiles) -> Iterator[None]:
    """Locked against everybody: not even a look is possible."""
    with closing(sqlite3.connect(files.runtime, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        yield


@contextmanager
def a_writer_that_hangs(files: DataFiles) -> Iterator[None]:
    with closing(sqlite3.connect(files.runtime, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


@contextmanager
def a_directory(files: DataFiles) -> Iterator[None]:
    removed(files)
    (files.runtime / "kept").mkdir(parents=True)
    yield
    (files.runtime / "kept").rmdir()
    files.runtime.rmdir()


LASTING: list[Trouble] = [a_writer_that_hangs, a_directory]


def reasons(runtime: TestClient) -> str:
    answer = runtime.get("/api/health")
    assert answer.status_code == 200
    return " ".join(answer.json()["reasons"])


@pytest.mark.parametrize("trouble", LASTING)
def test_lasting_trouble_fails_no_submission_and_shows_in_health_until_it_is_over(
    runtime: TestClient, files: DataFiles, trouble: Trouble
) -> None:
    with trouble(files):
        for number in range(20):
            answer = runtime.post(PATH, json=command(idempotency_key=f"key-{number}"))
            assert answer.status_code == 202
        wait_until(lambda: "process_registry" in reasons(runtime))
        assert runtime.get("/api/ready").status_code == 200
    wait_until(lambda: not reasons(runtime))
    wait_until(lambda: heard_of(files))


def test_a_file_locked_against_everybody_fails_no_start_and_no_submission(
    make_runtime: MakeRuntime, files: DataFiles, token: str
) -> None:
    say(files, report())
    with locked(files):
        runtime = make_runtime()
        answer = runtime.post(PATH, json=command(), headers=bearer(token))
        assert answer.status_code == 202
        assert "process_registry" in reasons(runtime)
    wait_until(lambda: os.getpid() in {each.pid for each in heard_of(files)})


@pytest.mark.parametrize("spoil", [removed, lambda files: files.runtime.write_bytes(b"no" * 9999)])
def test_a_lost_or_damaged_file_is_made_anew_while_submissions_go_on(
    runtime: TestClient, files: DataFiles, spoil: Callable[[DataFiles], Any]
) -> None:
    spoil(files)
    for number in range(20):
        answer = runtime.post(PATH, json=command(idempotency_key=f"key-{number}"))
        assert answer.status_code == 202
    wait_until(lambda: heard_of(files))


NO_LARGE_FILES = ("bash", "-c", 'ulimit -f 2048; exec "$@"', "--")


@contextmanager
def a_log_beyond(size_bytes: int, files: DataFiles) -> Iterator[Path]:
    """Let the file's log grow to a size, and keep it from beginning anew."""
    registry, log = ProcessRegistry(files), Path(f"{files.runtime}-wal")
    assert registry.beat(report())
    with closing(sqlite3.connect(files.runtime, isolation_level=None)) as old:
        old.execute("BEGIN")
        old.execute("SELECT * FROM process").fetchall()
        while log.stat().st_size < size_bytes:
            assert registry.beat(report("big", host="h" * 100_000))
        assert registry.goodbye("big")
        yield log


def test_a_disk_without_room_for_it_fails_no_submission(serve: Serve, files: DataFiles) -> None:
    upgraded = serve()  # makes everything else
    upgraded.stop()
    with a_log_beyond(2048 * 1024, files):
        served = serve(wrapper=NO_LARGE_FILES)
        for number in range(20):
            assert served.submit(idempotency_key=f"key-{number}").status_code == 202
        health = served.http.get("/api/health").json()
        assert "process_registry" in " ".join(health["reasons"])
        assert served.process.pid not in {each.pid for each in heard_of(files)}
    wait_until(lambda: served.process.pid in {each.pid for each in heard_of(files)})


def test_with_the_registry_unreadable_a_rollback_is_not_called_done_already(
    make_runtime: MakeRuntime, files: DataFiles, flip: Callable[[Mode], None]
) -> None:
    _, middle, top = Mode
    say(files, report("pinned", pin=top, heard_at=datetime.now(UTC) + STAYS_LIVE))
    with locked(files):
        flip(middle)
    in_force = make_runtime().get("/api/health").json()["in_force"]
    assert (in_force["source"], in_force["revision"]) == (Source.ROLLBACK_FLAG, 1)
