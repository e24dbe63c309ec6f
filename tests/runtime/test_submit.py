"""A submission is accepted once, and answered the same ever after."""

import json
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from flagctl.store.files import DataFiles
from tests.runtime.commands import PATH, command

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def spooled(files: DataFiles) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in files.spool.glob("*.json")]


def test_a_submission_is_accepted_and_lies_in_the_spool(
    runtime: TestClient, files: DataFiles
) -> None:
    answer = runtime.post(PATH, json=command())
    assert answer.status_code == 202
    body = answer.json()
    assert body.keys() == {
        "job_id",
        "submission_id",
        "execution_owner",
        "accepted_at",
        "trace_id",
    }
    assert (body["job_id"], body["execution_owner"]) == ("job-1", "node-1")
    assert UUID(body["submission_id"]).version == 4
    assert datetime.fromisoformat(body["accepted_at"]).tzinfo is not None
    (order,) = spooled(files)
    assert order["command"] == command()
    assert order["boundary"]["mapping"]["partition"] == "short"
    assert order["submission_id"] == body["submission_id"]
    assert order["trace_id"] == body["trace_id"]


def test_a_retry_gets_the_first_answer_byte_for_byte(runtime: TestClient, files: DataFiles) -> None:
    first = runtime.post(PATH, json=command())
    again = runtime.post(PATH, json=command())
    assert (again.status_code, again.content) == (202, first.content)
    assert len(spooled(files)) == 1


def test_a_retry_may_come_from_another_session(runtime: TestClient, files: DataFiles) -> None:
    first = runtime.post(PATH, json=command(requested_by__session_id="s1"))
    assert runtime.post(PATH, json=command(requested_by__session_id="s2")).content == first.content
    assert runtime.post(PATH, json=command()).content == first.content
    assert len(spooled(files)) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"job_id": "job-2"},
        {"management_node_id": "node-2"},
        {"execution_profile__queue_name": "highmem"},
        {"execution_profile__qos": "normal"},
        {"execution_profile__account": "chem-default"},
        {"resource_shape__cpu": 5},
        {"resource_shape__memory_mib": 2049},
        {"resource_shape__walltime_seconds": 3601},
        {"payload_ref__input_uri": "s3://bucket/other"},
        {"payload_ref__artifact_bucket": "artifacts"},
        {"requested_by__user_id": "user-2"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_the_key_with_another_intent_is_a_conflict(
    runtime: TestClient, files: DataFiles, changes: dict[str, Any]
) -> None:
    first = runtime.post(PATH, json=command())
    answer = runtime.post(PATH, json=command(**changes))
    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_conflict")
    assert first.json()["submission_id"] in answer.json()["detail"]
    assert len(spooled(files)) == 1


@pytest.mark.parametrize("changes", [{"workspace_id": "workspace-2"}, {"idempotency_key": "key-2"}])
def test_the_key_is_unique_in_its_workspace_only(
    runtime: TestClient, files: DataFiles, changes: dict[str, Any]
) -> None:
    first = runtime.post(PATH, json=command())
    other = runtime.post(PATH, json=command(**changes))
    assert other.status_code == 202
    assert other.json()["submission_id"] != first.json()["submission_id"]
    assert len(spooled(files)) == 2


def test_a_key_may_be_any_text_of_one_line(runtime: TestClient, files: DataFiles) -> None:
    keys = ["../../etc/passwd", "schlüssel/鍵 <b>", "a\u2028b", "%s{}'\"; --"]
    for key in keys:
        assert runtime.post(PATH, json=command(idempotency_key=key)).status_code == 202
    assert {order["command"]["idempotency_key"] for order in spooled(files)} == set(keys)


def test_the_callers_trace_goes_into_answer_and_order(
    runtime: TestClient, files: DataFiles
) -> None:
    headers = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
    assert runtime.post(PATH, json=command(), headers=headers).json()["trace_id"] == TRACE
    assert spooled(files)[0]["trace_id"] == TRACE


@pytest.mark.parametrize(
    "header",
    [
        "nonsense",
        f"00-{TRACE}-00f067aa0ba902b7",
        f"00-{'0' * 32}-00f067aa0ba902b7-01",
        f"ff-{TRACE}-00f067aa0ba902b7-01",
        f"00-{TRACE.upper()}-00f067aa0ba902b7-01",
        "x" * 10_000,
    ],
)
def test_a_malformed_trace_gets_a_new_one(runtime: TestClient, header: str) -> None:
    answer = runtime.post(PATH, json=command(), headers={"traceparent": header}).json()
    assert answer["trace_id"] != TRACE
    assert len(bytes.fromhex(answer["trace_id"])) == 16
