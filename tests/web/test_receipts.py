"""The receipt of an act fills as evidence comes in, and promises nothing that was not seen."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta

from starlette.testclient import TestClient

from flagctl.store.files import DataFiles
from flagctl.store.heard_files import HeardFiles
from flagctl.store.runtime_db import ProcessRegistry
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Mode
from tests.reports import report
from tests.web.conftest import MovedClock

SignIn = Callable[..., TestClient]
DOWN = {"mode": "passthrough", "reason": "submit p99 over 30 s"}


def test_the_receipt_fills_as_processes_follow(
    sign_in: SignIn, at_real: ControlStore, registry: ProcessRegistry, clock: MovedClock
) -> None:
    started = {"started_at": clock() - timedelta(hours=1)}
    old = {**started, "heard_at": clock(), "revision": 1, "mode": Mode.REAL_POLICY}
    for name in ("a", "b"):
        registry.beat(report(name, **old))
    web = sign_in()
    path = web.post("/rollback", data=DOWN).headers["location"]
    assert "0 of 2 processes" in web.get(path).text
    assert 'hx-trigger="every 1s"' in web.get(path).text
    clock.move(timedelta(seconds=0.4))
    new = {**started, "heard_at": clock(), "revision": 2, "mode": Mode.PASSTHROUGH}
    new["first_used"] = {1: clock() - timedelta(minutes=5), 2: clock()}
    clock.move(timedelta(seconds=5))
    registry.beat(report("a", **new))
    finishing = {Mode.REAL_POLICY: 3}
    registry.beat(report("b", **new, in_flight=finishing))
    page = web.get(path).text
    assert "2 of 2 processes heard of on this host follow, 0.4 s after the commit" in page
    assert "3 submissions still finish in" in page
    registry.beat(report("b", **new))
    assert "hx-trigger" not in web.get(path).text
    assert "2/2 processes in 0.4 s" in web.get(path).text


def test_a_silent_process_is_a_warning_on_the_receipt(
    sign_in: SignIn, at_real: ControlStore, registry: ProcessRegistry, clock: MovedClock
) -> None:
    registry.beat(report("a", heard_at=clock(), revision=9))
    registry.beat(report("b", heard_at=clock() - timedelta(minutes=3), pid=4711))
    web = sign_in()
    page = web.get(web.post("/rollback", data=DOWN).headers["location"]).text
    (line,) = (line for line in page.splitlines() if "Not heard of for 10 s" in line)
    assert "notice tone-warn" in line
    assert "pid 4711 on node1 (3 min ago)" in line
    assert "1 of 1 process heard of on this host follows; 1 is silent" in web.get("/processes").text


def test_a_receipt_is_no_proof_while_a_process_that_lives_is_not_on_record(
    sign_in: SignIn, files: DataFiles, registry: ProcessRegistry, clock: MovedClock
) -> None:
    registry.beat(report("a", heard_at=clock(), revision=9))
    HeardFiles(files.heard).begin("lost", clock().timestamp())
    web = sign_in()
    path = web.post("/rollback", data=DOWN).headers["location"]
    page = web.get(path).text
    assert "not proven, because there may be more: runtime.db has no record of 1 that lives" in page
    assert 'hx-trigger="every 1s"' in page
    assert "1/1 process, perhaps more" in page
    HeardFiles(files.heard).end("lost")
    assert "hx-trigger" not in web.get(path).text


def test_a_receipt_says_when_more_was_changed_since(sign_in: SignIn, at_real: ControlStore) -> None:
    web = sign_in()
    path = web.post("/rollback", data={**DOWN, "mode": "stub-policy"}).headers["location"]
    web.post("/rollback", data=DOWN)
    assert "Since then more was changed: now it is revision 3" in web.get(path).text


def test_the_page_says_when_a_process_may_be_missing_from_it(
    sign_in: SignIn, files: DataFiles, registry: ProcessRegistry, clock: MovedClock
) -> None:
    registry.beat(report("a", heard_at=clock()))
    web = sign_in()
    assert "processes that are not shown" not in web.get("/processes").text
    with closing(sqlite3.connect(files.runtime, isolation_level=None)) as other:
        other.execute("UPDATE process SET mode = 'warp'")
    assert "There may be processes that are not shown" in web.get("/processes").text
