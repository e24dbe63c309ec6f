"""What the queue policy lets a job ask for, the same in each mode that has a policy."""

from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from flagctl.store.files import DataFiles
from flagctl.vocabulary import Mode
from tests.runtime.commands import PATH, command
from tests.runtime.conftest import MakeRuntime
from tests.runtime.tenants import bearer
from tests.runtime.test_bad_input import assert_nothing_happened, refused

ALLOWED: list[dict[str, Any]] = [
    {"resource_shape__walltime_seconds": 120 * 60},
    {"execution_profile__account": "chem-default"},
    {"execution_profile__account": " chem-default "},
    {"execution_profile__qos": "normal"},
    {"execution_profile__queue_name": " standard "},
    {"execution_profile__queue_name": "unknown"},
]

REJECTED: list[tuple[dict[str, Any], str]] = [
    ({"resource_shape__walltime_seconds": 120 * 60 + 1}, "/resource_shape/walltime_seconds"),
    ({"execution_profile__account": "chem-premium"}, "/execution_profile/account"),
    ({"execution_profile__qos": "priority"}, "/execution_profile/qos"),
    ({"execution_profile__qos": "NORMAL"}, "/execution_profile/qos"),
]


@pytest.mark.parametrize("changes", ALLOWED, ids=str)
def test_what_the_mapping_allows_is_accepted(runtime: TestClient, changes: dict[str, Any]) -> None:
    assert runtime.post(PATH, json=command(**changes)).status_code == 202


@pytest.mark.parametrize(("changes", "pointer"), REJECTED, ids=str)
def test_what_the_mapping_does_not_allow_is_422(
    runtime: TestClient, files: DataFiles, changes: dict[str, Any], pointer: str
) -> None:
    answer = runtime.post(PATH, json=command(**changes))
    assert refused(answer, 422, "policy_rejected")["field"] == pointer
    assert_nothing_happened(files)


def test_an_unknown_queue_is_held_to_the_default_queues_mapping(runtime: TestClient) -> None:
    body = command(
        execution_profile__queue_name="unknown", resource_shape__walltime_seconds=121 * 60
    )
    refused(runtime.post(PATH, json=body), 422, "policy_rejected")


def test_an_unknown_queue_is_422_where_the_policy_denies(
    make_runtime: MakeRuntime, token: str, deny_policy: Path, files: DataFiles
) -> None:
    runtime = make_runtime(policy_path=deny_policy)
    body = command(execution_profile__queue_name="unknown")
    refused(runtime.post(PATH, json=body, headers=bearer(token)), 422, "policy_rejected")
    assert_nothing_happened(files)


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("queue", ["", "   "])
def test_a_blank_queue_is_422_in_every_mode(
    make_runtime: MakeRuntime, token: str, mode: Mode, queue: str
) -> None:
    runtime = make_runtime(adapter_pin=mode)
    body = command(execution_profile__queue_name=queue)
    refused(runtime.post(PATH, json=body, headers=bearer(token)), 422, "policy_rejected")


@pytest.mark.parametrize("changes", [changes for changes, _ in REJECTED], ids=str)
def test_passthrough_checks_only_the_blank_queue(
    make_runtime: MakeRuntime, token: str, changes: dict[str, Any]
) -> None:
    runtime = make_runtime(adapter_pin=Mode.PASSTHROUGH)
    answer = runtime.post(PATH, json=command(**changes), headers=bearer(token))
    assert answer.status_code == 202


def test_a_rejected_key_is_free_for_the_corrected_command(runtime: TestClient) -> None:
    runtime.post(PATH, json=command(execution_profile__qos="priority"))
    assert runtime.post(PATH, json=command(execution_profile__qos="normal")).status_code == 202
