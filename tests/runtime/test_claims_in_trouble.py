"""A claim that can't be written: 503, nothing dispatched, and the retry is accepted."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager
from typing import Any

import pytest
from starlette.testclient import TestClient

from flagctl.store.files import DataFiles
from tests.runtime.commands import PATH, command
from tests.runtime.conftest import MakeRuntime, Serve
from tests.runtime.serve import HOLD
from tests.runtime.tenants import bearer
from tests.runtime.test_bad_input import assert_nothing_happened, refused
from tests.runtime.test_submit import spooled
from tests.waiting import wait_until

# As root, permissions bind only who gives up the right to override them.
BOUND_BY_PERMISSIONS = (
    ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all")
    if os.geteuid() == 0
    else ()
)
SMALL_FILES = ("bash", "-c", 'ulimit -f 256; exec "$@"', "--")


@contextmanager
def locked(files: DataFiles) -> Iterator[None]:
    with closing(sqlite3.connect(files.submissions, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


@contextmanager
def damaged(files: DataFiles) -> Iterator[None]:
    files.submissions.write_bytes(b"no database " * 1000)
    yield
    files.submissions.rename(files.submissions.with_suffix(".damaged"))


@contextmanager
def newer(files: DataFiles) -> Iterator[None]:
    with closing(sqlite3.connect(files.submissions)) as other:
        other.execute("PRAGMA user_version=99")
    yield
    files.submissions.unlink()


@contextmanager
def a_directory(files: DataFiles) -> Iterator[None]:
    files.submissions.mkdir()
    yield
    files.submissions.rmdir()


Trouble = Callable[[DataFiles], AbstractContextManager[None]]


@pytest.mark.parametrize("trouble", [locked, damaged, newer, a_directory])
def test_nothing_is_dispatched_without_a_claim_and_the_retry_is_accepted(
    make_runtime: MakeRuntime, token: str, files: DataFiles, trouble: Trouble
) -> None:
    with trouble(files):
        runtime = make_runtime(busy_timeout_s=0.05)
        answer = runtime.post(PATH, json=command(), headers=bearer(token))
        refused(answer, 503, "execution_unavailable")
        assert int(answer.headers["Retry-After"]) > 0
        assert str(files.directory) not in answer.text
        assert_nothing_happened(files)
        assert failed_probes(runtime) == {"submissions_store"}
    assert runtime.post(PATH, json=command(), headers=bearer(token)).status_code == 202
    assert len(spooled(files)) == 1
    assert not failed_probes(runtime)


def failed_probes(runtime: Any) -> set[str]:
    probes = runtime.get("/api/ready").json()["probes"]
    return {probe["name"] for probe in probes if probe["status"] == "failed"}


def test_a_file_locked_while_the_runtime_serves_stops_new_claims_only(
    make_runtime: MakeRuntime, token: str, files: DataFiles
) -> None:
    runtime = make_runtime(busy_timeout_s=0.05)
    runtime.headers.update(bearer(token))
    first = runtime.post(PATH, json=command())
    with locked(files):
        assert runtime.post(PATH, json=command()).content == first.content
        refused(
            runtime.post(PATH, json=command(idempotency_key="new")), 503, "execution_unavailable"
        )
    assert runtime.post(PATH, json=command(idempotency_key="new")).status_code == 202
    assert len(spooled(files)) == 2


def test_an_answer_that_cannot_be_recorded_is_not_given(serve: Serve, files: DataFiles) -> None:
    hold = files.directory / HOLD
    hold.touch()
    served = serve(fault="held-in-dispatch", FLAGCTL_BUSY_TIMEOUT_S="0.05")
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(served.submit)
        wait_until(lambda: len(served.logged("slurm_adapter_resolution")) == 1)
        wait_until(lambda: claims(files) == 1)
        with locked(files):
            hold.unlink()
            refused(asked.result(), 503, "execution_unavailable")
            assert len(spooled(files)) == 1
    answer = served.submit()
    assert answer.status_code == 202
    (order,) = spooled(files)
    assert order["submission_id"] == answer.json()["submission_id"]


def claims(files: DataFiles) -> int:
    with closing(sqlite3.connect(files.submissions)) as connection:
        (count,) = connection.execute("SELECT count(*) FROM submission").fetchone()
    return int(count)


def test_a_read_only_file_is_503_and_replays_are_answered(serve: Serve, files: DataFiles) -> None:
    writable = serve()
    first = writable.submit()
    writable.stop()
    for path in files.directory.glob("submissions.db*"):
        path.chmod(0o440)
    served = serve(wrapper=BOUND_BY_PERMISSIONS)
    refused(served.submit(idempotency_key="new"), 503, "execution_unavailable")
    assert served.submit().content == first.content
    assert len(spooled(files)) == 1
    assert "can't be written" in served.log.read_text()
    for path in files.directory.glob("submissions.db*"):
        path.chmod(0o660)
    wait_until(lambda: served.submit(idempotency_key="new").status_code == 202)


def test_a_disk_that_fills_up_loses_no_accepted_submission(serve: Serve, files: DataFiles) -> None:
    served = serve(wrapper=SMALL_FILES)
    accepted: dict[str, bytes] = {}
    for number in range(1000):
        key = f"key-{number}"
        answer = served.submit(idempotency_key=key)
        if answer.status_code == 503:
            break
        accepted[key] = answer.content
    assert len(accepted) > 1
    refused(answer, 503, "execution_unavailable")
    served.stop()
    roomy = serve()
    assert all(roomy.submit(idempotency_key=key).content == body for key, body in accepted.items())
    assert roomy.submit(idempotency_key=key).status_code == 202
    assert len(spooled(files)) == len(accepted) + 1


def test_a_file_moved_away_while_the_runtime_serves_is_made_anew(
    runtime: TestClient, files: DataFiles
) -> None:
    assert runtime.post(PATH, json=command()).status_code == 202
    files.submissions.rename(files.submissions.with_suffix(".away"))
    assert runtime.post(PATH, json=command(idempotency_key="new")).status_code == 202
    assert claims(files) == 1
