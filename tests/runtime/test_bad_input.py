"""Input that can't be taken gets a clear answer, and nothing is dispatched."""

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from flagctl.store.files import DataFiles
from tests.runtime.commands import PATH, command, without
from tests.runtime.conftest import Serve

REQUIRED = [
    ("tenant_id",),
    ("workspace_id",),
    ("job_id",),
    ("idempotency_key",),
    ("management_node_id",),
    ("execution_profile",),
    ("execution_profile", "queue_name"),
    ("resource_shape",),
    ("resource_shape", "cpu"),
    ("resource_shape", "memory_mib"),
    ("resource_shape", "walltime_seconds"),
    ("payload_ref",),
    ("payload_ref", "input_uri"),
    ("requested_by",),
    ("requested_by", "user_id"),
]

WRONG: list[tuple[dict[str, Any], str]] = [
    ({"tenant_id": 7}, "/tenant_id"),
    ({"tenant_id": None}, "/tenant_id"),
    ({"tenant_id": ""}, "/tenant_id"),
    ({"workspace_id": "  "}, "/workspace_id"),
    ({"job_id": "a\nb"}, "/job_id"),
    ({"job_id": "a\x00"}, "/job_id"),
    ({"idempotency_key": "x" * 256}, "/idempotency_key"),
    ({"execution_profile": "standard"}, "/execution_profile"),
    ({"execution_profile": []}, "/execution_profile"),
    ({"execution_profile__queue_name": None}, "/execution_profile/queue_name"),
    ({"execution_profile__qos": 1}, "/execution_profile/qos"),
    ({"execution_profile__qos": ""}, "/execution_profile/qos"),
    ({"execution_profile__queue": "x"}, "/execution_profile/queue"),
    ({"resource_shape__cpu": True}, "/resource_shape/cpu"),
    ({"resource_shape__cpu": 1.0}, "/resource_shape/cpu"),
    ({"resource_shape__cpu": "1"}, "/resource_shape/cpu"),
    ({"resource_shape__cpu": 0}, "/resource_shape/cpu"),
    ({"resource_shape__memory_mib": -1}, "/resource_shape/memory_mib"),
    ({"resource_shape__walltime_seconds": 0}, "/resource_shape/walltime_seconds"),
    ({"resource_shape__walltime_seconds": 10**30}, "/resource_shape/walltime_seconds"),
    ({"resource_shape__gpu": 1}, "/resource_shape/gpu"),
    ({"payload_ref__input_uri": "bucket/input"}, "/payload_ref/input_uri"),
    ({"payload_ref__input_uri": "file:///etc/passwd"}, "/payload_ref/input_uri"),
    ({"payload_ref__input_uri": "http://host/x"}, "/payload_ref/input_uri"),
    ({"payload_ref__input_uri": "s3://"}, "/payload_ref/input_uri"),
    ({"payload_ref__input_uri": "s3://a b"}, "/payload_ref/input_uri"),
    ({"requested_by__user_id": {}}, "/requested_by/user_id"),
    ({"mode": "x"}, "/mode"),
    ({"a/b~c": 1}, "/a~1b~0c"),
]

NOT_A_COMMAND = [
    b"",
    b"{",
    b"null",
    b"[]",
    b'"text"',
    b"\xff\xfe",
    b'{"tenant_id": NaN}',
    b'{"tenant_id": "\\ud800"}',
    b"[" * 20_000,
]


def refused(answer: Any, status: int, code: str) -> dict[str, Any]:
    """Check the shape that every error has, and return its body."""
    assert answer.headers["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert (answer.status_code, body["status"], body["code"]) == (status, status, code)
    assert body["detail"]
    assert len(body["trace_id"]) == 32
    return body


def assert_nothing_happened(files: DataFiles) -> None:
    assert not list(files.spool.glob("*.json"))


@pytest.mark.parametrize("path", REQUIRED, ids="/".join)
def test_a_missing_field_is_400_and_named(
    runtime: TestClient, files: DataFiles, path: tuple[str, ...]
) -> None:
    body = refused(runtime.post(PATH, json=without(*path)), 400, "invalid_request")
    assert body["field"] == "/" + "/".join(path)
    assert_nothing_happened(files)


@pytest.mark.parametrize(("changes", "pointer"), WRONG, ids=lambda each: str(each)[:60])
def test_a_wrong_field_is_400_and_named(
    runtime: TestClient, files: DataFiles, changes: dict[str, Any], pointer: str
) -> None:
    answer = runtime.post(PATH, json=command(**changes))
    assert refused(answer, 400, "invalid_request")["field"] == pointer
    assert_nothing_happened(files)


@pytest.mark.parametrize("content", NOT_A_COMMAND, ids=lambda content: repr(content[:24]))
def test_a_body_that_is_no_command_is_400(
    runtime: TestClient, files: DataFiles, content: bytes
) -> None:
    headers = {"Content-Type": "application/json"}
    answer = runtime.post(PATH, content=content, headers=headers)
    refused(answer, 400, "invalid_request")
    assert_nothing_happened(files)


@pytest.mark.parametrize(
    "content_type", [None, "", "text/plain", "application/x-www-form-urlencoded", "json"]
)
def test_a_body_that_does_not_say_it_is_json_is_400(
    runtime: TestClient, content_type: str | None
) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    content = json.dumps(command())
    answer = runtime.post(PATH, content=content, headers=headers)
    assert refused(answer, 400, "invalid_request")["field"] == "Content-Type"


def test_json_may_name_its_charset(runtime: TestClient) -> None:
    headers = {"Content-Type": "Application/JSON; charset=utf-8"}
    content = json.dumps(command())
    assert runtime.post(PATH, content=content, headers=headers).status_code == 202


def padded(size_bytes: int) -> bytes:
    content = json.dumps(command()).encode()
    return content + b" " * (size_bytes - len(content))


def test_a_body_of_64_kib_is_taken(runtime: TestClient) -> None:
    headers = {"Content-Type": "application/json"}
    assert runtime.post(PATH, content=padded(64 * 1024), headers=headers).status_code == 202


def test_a_body_above_64_kib_is_413(runtime: TestClient, files: DataFiles) -> None:
    headers = {"Content-Type": "application/json"}
    answer = runtime.post(PATH, content=padded(64 * 1024 + 1), headers=headers)
    refused(answer, 413, "invalid_request")
    assert_nothing_happened(files)


def test_a_body_above_64_kib_is_413_without_its_length_announced(runtime: TestClient) -> None:
    headers = {"Content-Type": "application/json"}
    chunks = (b" " * 1024 for _ in range(65))
    answer = runtime.post(PATH, content=chunks, headers=headers)
    assert "Content-Length" not in answer.request.headers
    refused(answer, 413, "invalid_request")


def test_a_server_answers_413_to_ten_megabytes_and_goes_on(serve: Serve) -> None:
    served = serve()
    headers = {"Content-Type": "application/json"}
    for _ in range(3):
        refused(
            served.http.post(PATH, content=b" " * 10**7, headers=headers), 413, "invalid_request"
        )
    assert served.submit().status_code == 202


def test_an_error_repeats_no_value_of_the_request(runtime: TestClient) -> None:
    secret = "https://host/x?X-Signature=hush hush"
    answer = runtime.post(PATH, json=command(payload_ref__input_uri=secret))
    assert answer.status_code == 400
    assert "hush" not in answer.text


def test_what_is_not_there_has_the_same_error_shape(runtime: TestClient) -> None:
    refused(runtime.get("/nothing"), 404, "not_found")
    refused(runtime.get(PATH), 405, "method_not_allowed")
