"""The JSON API: the same acts and records as the pages, by bearer token."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from flagctl.domain.change import RollBack
from flagctl.domain.gate import Facts
from flagctl.store.files import DataFiles
from flagctl.store.heard_files import HeardFiles
from flagctl.store.runtime_db import ProcessRegistry
from flagctl.store.tokens import revoke_token
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Mode, Outcome, Role
from tests.reports import report
from tests.web.conftest import ROOT, MovedClock, last_outcome, revision

Make = Callable[..., TestClient]
PROBLEM = "application/problem+json"
DOWN = {"mode": "passthrough", "reason": "submit p99 over 30 s"}


Api = Callable[..., TestClient]


def test_the_mode_is_what_the_first_page_shows_with_its_revision_as_etag(
    api: Api, rolled_back: ControlStore
) -> None:
    answer = api(Role.VIEWER).get("/api/v1/mode")
    assert answer.headers["ETag"] == '"2"'
    body = answer.json()
    assert (body["by_flags"], body["revision"]) == ("passthrough", 2)
    assert [flag["kind"] for flag in body["flags"]] == ["rollback", "cutover"]


def test_rolling_back_is_201_with_the_receipt_and_again_is_200(
    api: Api, at_real: ControlStore
) -> None:
    web = api()
    first = web.post("/api/v1/rollback", json=DOWN)
    assert first.status_code == 201
    assert first.headers["ETag"] == '"2"'
    receipt = first.json()
    assert receipt["outcome"] == "accepted"
    assert "real-policy → passthrough by ci-operator, rev 2" in receipt["incident_line"]
    assert receipt["flag"]["owner"] == "token:ci-operator"
    again = web.post("/api/v1/rollback", json=DOWN)
    assert (again.status_code, again.json()["outcome"]) == (200, "already")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("extend", {"expires": "1h", "reason": "r"}),
        ("handover", {"owner": "carol", "reason": "r"}),
        ("raise", {"mode": "stub-policy", "reason": "r"}),
        ("cutover", {"mode": "passthrough", "owner": "c", "reason": "r", "expires": "7d"}),
    ],
)
def test_every_act_takes_the_revision_as_if_match(
    api: Api, rolled_back: ControlStore, path: str, body: dict[str, str]
) -> None:
    answer = api().post(f"/api/v1/{path}", json=body, headers={"If-Match": '"2"'})
    assert answer.status_code == 201, answer.text
    assert answer.json()["revision"] == 3


def test_a_stale_revision_is_412_with_what_is_now_and_what_changed(
    api: Api, half_way: ControlStore
) -> None:
    half_way.apply(RollBack(Mode.PASSTHROUGH, "further"), ROOT, Facts())
    body = {"mode": "stub-policy", "reason": "r"}
    answer = api().post("/api/v1/raise", json=body, headers={"If-Match": '"2"'})
    assert (answer.status_code, answer.headers["content-type"]) == (412, PROBLEM)
    told = answer.json()
    assert (told["code"], told["given"], told["current"]) == ("stale", 2, 3)
    assert told["mode"]["by_flags"] == "passthrough"
    assert [event["revision"] for event in told["changes"]] == [3]


@pytest.mark.parametrize(
    ("path", "body", "headers", "status", "code"),
    [
        ("raise", {"mode": "stub-policy", "reason": "r"}, {}, 428, "invalid"),
        ("end", {"reason": "r", "follow_up": "x"}, {"If-Match": '"2"'}, 409, "precondition"),
        ("rollback", {**DOWN, "reason": " "}, {}, 422, "invalid"),
        ("rollback", {**DOWN, "extra": "x"}, {}, 422, "invalid"),
        ("rollback", {"mode": "passthrough"}, {}, 422, "invalid"),
        ("rollback", {**DOWN, "reason": 7}, {}, 422, "invalid"),
        ("rollback", {**DOWN, "mode": "fast"}, {}, 422, "invalid"),
        ("rollback", DOWN, {"If-Match": "*"}, 422, "invalid"),
        ("rollback", {**DOWN, "reason": "x" * 70_000}, {}, 413, "invalid"),
        ("extend", {"expires": "25h", "reason": "r"}, {}, 422, "invalid"),
    ],
)
def test_a_refusal_is_a_problem_with_a_code(
    api: Api,
    rolled_back: ControlStore,
    path: str,
    body: dict[str, object],
    headers: dict[str, str],
    status: int,
    code: str,
) -> None:
    answer = api().post(f"/api/v1/{path}", json=body, headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM)
    assert (answer.json()["status"], answer.json()["code"]) == (status, code)
    assert revision(rolled_back) == 2


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("rollback", DOWN),
        ("raise", {"mode": "stub-policy", "reason": "r"}),
        ("end", {"reason": "r", "follow_up": "x"}),
        ("extend", {"expires": "1h", "reason": "r"}),
        ("handover", {"owner": "me", "reason": "r"}),
        ("cutover", {"mode": "passthrough", "owner": "me", "reason": "r", "expires": "7d"}),
        ("retire", {"reason": "r", "follow_up": "x"}),
    ],
)
def test_a_viewers_token_can_change_nothing(
    api: Api, rolled_back: ControlStore, files: DataFiles, path: str, body: dict[str, str]
) -> None:
    answer = api(Role.VIEWER).post(f"/api/v1/{path}", json=body, headers={"If-Match": '"2"'})
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert revision(rolled_back) == 2
    assert last_outcome(files) is Outcome.REFUSED


def test_only_a_token_for_the_api_opens_it(
    api: Api, store: ControlStore, sign_in: Callable[..., TestClient]
) -> None:
    web = sign_in()
    assert web.get("/api/v1/mode").status_code == 401
    for value in ("Bearer wrong", "Basic YTpi", "Bearer", ""):
        answer = web.get("/api/v1/mode", headers={"Authorization": value})
        assert (answer.status_code, answer.headers["content-type"]) == (401, PROBLEM)
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_revoked_token_is_worthless(api: Api, store: ControlStore) -> None:
    web = api()
    revoke_token(store, "ci-operator", ROOT)
    assert web.post("/api/v1/rollback", json=DOWN).status_code == 401


def test_the_trail_is_paged_and_filtered(api: Api, rolled_back: ControlStore) -> None:
    web = api(Role.VIEWER)
    whole = web.get("/api/v1/audit").json()
    assert [event["action"] for event in whole["events"]][-2:] == ["rollback", "cutover"]
    found = web.get("/api/v1/audit", params={"action": "rollback"}).json()["events"]
    assert [event["revision"] for event in found] == [2]
    older = web.get("/api/v1/audit", params={"before": found[0]["id"]}).json()
    assert [event["action"] for event in older["events"]] == ["cutover"]
    assert web.get("/api/v1/audit", params={"since": "soon"}).status_code == 422
    assert web.get("/api/v1/audit", params={"page": "2"}).status_code == 422


def test_flags_and_processes_are_listed(api: Api, rolled_back: ControlStore) -> None:
    web = api(Role.VIEWER)
    assert [flag["id"] for flag in web.get("/api/v1/flags").json()] == [2, 1]
    assert web.get("/api/v1/processes").json() == []


def test_the_receipt_of_a_revision_is_the_one_of_the_mode_and_of_the_act(
    api: Api, at_real: ControlStore, registry: ProcessRegistry, clock: MovedClock
) -> None:
    started = clock() - timedelta(hours=1)
    registry.beat(report("a", started_at=started, heard_at=clock(), revision=1, pid=4711))
    web = api()
    at_once = web.post("/api/v1/rollback", json=DOWN).json()["convergence"]
    assert (at_once["following"], at_once["live"], at_once["took_s"]) == (0, 1, None)
    assert at_once == web.get("/api/v1/processes?revision=2").json()
    clock.move(timedelta(seconds=0.4))
    registry.beat(report("a", started_at=started, heard_at=clock(), revision=2, pid=4711))
    clock.move(timedelta(seconds=3))
    receipt = web.get("/api/v1/processes?revision=2").json()
    assert (receipt["following"], receipt["is_proven"], receipt["took_s"]) == (1, True, 0.4)
    assert receipt == web.get("/api/v1/mode").json()["convergence"]
    assert receipt == web.post("/api/v1/rollback", json=DOWN).json()["convergence"]
    assert web.get("/api/v1/processes?revision=1").json()["is_proven"]
    web.post("/api/v1/handover", json={"owner": "bob", "reason": "night"})
    assert web.get("/api/v1/processes?revision=2").json() == receipt
    assert not web.get("/api/v1/processes?revision=3").json()["is_proven"]


def test_no_receipt_is_a_proof_while_processes_may_be_missing(
    api: Api, files: DataFiles, at_real: ControlStore, registry: ProcessRegistry, clock: MovedClock
) -> None:
    registry.beat(report("a", heard_at=clock(), revision=9))
    HeardFiles(files.heard).begin("lost", clock().timestamp())
    web = api()
    receipt = web.post("/api/v1/rollback", json=DOWN).json()["convergence"]
    assert (receipt["following"], receipt["live"], receipt["is_proven"]) == (1, 1, False)
    assert receipt["gap"] == "runtime.db has no record of 1 that lives"
    assert receipt["gap"] in receipt["sentence"]
    assert receipt == web.get("/api/v1/processes?revision=2").json()
    files.runtime.write_bytes(b"nonsense" * 1000)
    unreadable = web.get("/api/v1/processes?revision=2").json()
    assert (unreadable["is_proven"], unreadable["took_s"]) == (False, None)
    assert unreadable == web.get("/api/v1/mode").json()["convergence"]


@pytest.mark.parametrize(("revision", "status"), [("3", 404), ("-1", 422), ("x", 422)])
def test_there_is_no_receipt_of_a_revision_that_nobody_made(
    api: Api, rolled_back: ControlStore, revision: str, status: int
) -> None:
    answer = api().get(f"/api/v1/processes?revision={revision}")
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, PROBLEM)


def test_the_document_names_every_act_and_wants_a_token(web: TestClient) -> None:
    document = web.get("/api/v1/openapi.json").json()
    acts = {path for path, item in document["paths"].items() if "post" in item}
    assert acts == {
        *(
            f"/{name}"
            for name in ("rollback", "raise", "end", "extend", "handover", "cutover", "retire")
        ),
        "/reminders/acknowledge",
        "/follow-ups/{flag_id}/close",
    }
    assert document["security"] == [{"token": []}]
    assert document["components"]["schemas"]["Problem"]["properties"]["code"]


def test_a_store_in_trouble_is_a_problem_too(make_web: Make) -> None:
    answer = make_web().get("/api/v1/mode", headers={"Authorization": "Bearer x"})
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
