"""The JSON API of the reminders and the follow-ups: the same acts and records as the page."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from flagctl.store.files import DataFiles
from flagctl.store.follow_ups import read_follow_ups
from flagctl.store.reading import reading
from flagctl.store.reminder_reading import read_failed, read_followed
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Outcome, Role
from tests.web.conftest import MovedClock, last_outcome
from tests.web.test_reminders_page import expired, fail_a_delivery, give_out, left_to_do

__all__ = ["expired", "left_to_do"]

Api = Callable[..., TestClient]
ACKNOWLEDGE = "/api/v1/reminders/acknowledge"
CLOSE = "/api/v1/follow-ups/2/close"


def test_everything_about_reminders_is_there_with_the_revision_as_etag(
    api: Api, expired: ControlStore, clock: MovedClock
) -> None:
    give_out(expired)
    fail_a_delivery(expired, "error=500")
    answer = api(Role.VIEWER).get("/api/v1/reminders")
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"2"')
    body = answer.json()
    assert [(each["flag_id"], each["current"], each["stage"]) for each in body["upcoming"]] == [
        (2, "expired", "hour-1"),
        (1, None, "expiring"),
    ]
    assert [each["to"] for each in body["waiting"]] == ["bob"]
    assert [each["error"] for each in body["failed"]] == ["error=500"]
    assert {each["kind"] for each in body["reminders"]} == {"event", "stage", "lagging"}
    assert body["has_older"] is False


def test_reminders_are_asked_for_by_flag_and_page_by_page(api: Api, expired: ControlStore) -> None:
    give_out(expired)
    web = api()
    of_one = web.get("/api/v1/reminders", params={"flag": 1}).json()
    assert {each["flag_id"] for each in of_one["reminders"]} == {1}
    first = web.get("/api/v1/reminders", params={"limit": 1}).json()
    assert first["has_older"] is True
    before = first["reminders"][0]["id"]
    second = web.get("/api/v1/reminders", params={"limit": 1, "before": before}).json()
    assert second["reminders"][0]["id"] < before
    assert web.get("/api/v1/reminders", params={"limit": 0}).status_code == 422
    assert web.get("/api/v1/reminders", params={"flags": 1}).status_code == 422


def test_acknowledging_holds_the_stage_and_notes_the_failures(
    api: Api, expired: ControlStore, files: DataFiles, clock: MovedClock
) -> None:
    give_out(expired)
    fail_a_delivery(expired, "error=500")
    answer = api().post(ACKNOWLEDGE, json={"for": "10m"}, headers={"If-Match": '"2"'})
    assert answer.status_code == 200
    until = clock() + timedelta(minutes=10)
    assert answer.json() == {
        "flag": 2,
        "stage": "expired",
        "until": until.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "failed": 1,
    }
    with reading(files) as connection:
        held = [each.reminder.held_until for each in read_followed(connection, flag_id=2)]
        assert until in held
        assert not read_failed(connection)


def test_an_acknowledgement_of_what_was_changed_meanwhile_is_412_with_what_changed(
    api: Api, expired: ControlStore
) -> None:
    answer = api().post(ACKNOWLEDGE, json={}, headers={"If-Match": '"1"'})
    assert answer.status_code == 412
    body = answer.json()
    assert (body["code"], body["given"], body["current"]) == ("stale", 1, 2)
    assert [each["revision"] for each in body["changes"]] == [2]


@pytest.mark.parametrize("body", [{"for": "61m"}, {"for": "0s"}, {"for": 5}, {"until": "1h"}, []])
def test_a_span_that_cannot_be_taken_is_422(api: Api, expired: ControlStore, body: object) -> None:
    answer = api().post(ACKNOWLEDGE, json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


def test_with_nothing_due_it_is_409(api: Api, rolled_back: ControlStore) -> None:
    answer = api().post(ACKNOWLEDGE, json={})
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


def test_a_follow_up_is_listed_until_it_is_closed_and_then_when_asked_for(
    api: Api, left_to_do: ControlStore
) -> None:
    web = api()
    assert [each["link"] for each in web.get("/api/v1/follow-ups").json()] == ["OPS-7"]
    closed = web.post(CLOSE, json={"reason": "the queue is bigger"})
    assert (closed.status_code, closed.json()["closed_by"]) == (200, "token:ci-operator")
    assert web.get("/api/v1/follow-ups").json() == []
    every = web.get("/api/v1/follow-ups", params={"closed": "true"}).json()
    assert [each["closing_words"] for each in every] == ["the queue is bigger"]
    assert web.post(CLOSE, json={"reason": "again"}).status_code == 409
    assert web.post("/api/v1/follow-ups/77/close", json={"reason": "x"}).status_code == 404
    assert web.post(CLOSE, json={"reason": " "}).status_code == 422


@pytest.mark.parametrize(
    ("path", "body"), [(ACKNOWLEDGE, {"for": "1h"}), (CLOSE, {"reason": "done"})]
)
def test_a_viewer_s_token_may_do_neither_and_nobody_without_one_anything(
    api: Api,
    web: TestClient,
    left_to_do: ControlStore,
    files: DataFiles,
    path: str,
    body: dict[str, str],
) -> None:
    fail_a_delivery(left_to_do, "error=500")
    assert api(Role.VIEWER).post(path, json=body).status_code == 403
    assert last_outcome(files) is Outcome.REFUSED
    assert web.post(path, json=body).status_code == 401
    assert web.get("/api/v1/reminders").status_code == 401
    with reading(files) as connection:
        assert read_follow_ups(connection)
        assert read_failed(connection)


def test_a_reason_of_a_megabyte_is_413_and_one_of_501_characters_422(
    api: Api, left_to_do: ControlStore
) -> None:
    web = api()
    assert web.post(CLOSE, json={"reason": "x" * 2**20}).status_code == 413
    assert web.post(CLOSE, json={"reason": "x" * 501}).status_code == 422
