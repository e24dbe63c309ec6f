"""Whose submissions a token may make: the same in every mode, before anything downstream."""

from typing import Any, NamedTuple

import pytest
from starlette.testclient import TestClient

from flagctl.adapter.sample_policy import SAMPLE
from flagctl.store.files import DataFiles
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Mode
from tests.runtime import tenants
from tests.runtime.commands import PATH, command
from tests.runtime.conftest import MakeRuntime


class Person(NamedTuple):
    """Somebody who submits, the command that they send, and how they are answered."""

    token: str
    changes: dict[str, Any]
    status: int
    code: str | None


SCOPED = "of workspace-1 and node-1"
PEOPLE = {
    "the owner": Person(SCOPED, {}, 202, None),
    "a teammate in another workspace": Person(
        SCOPED, {"workspace_id": "workspace-2"}, 403, "forbidden"
    ),
    "a stranger of another tenant": Person("of tenant-b", {}, 403, "forbidden"),
    "the owner in another tenant": Person(SCOPED, {"tenant_id": "tenant-b"}, 403, "forbidden"),
    "the owner on another node": Person(
        SCOPED, {"management_node_id": "node-2"}, 404, "management_node_not_found"
    ),
    "a stranger on another node": Person(
        "of tenant-b", {"management_node_id": "node-2"}, 403, "forbidden"
    ),
    "the tenant's own token anywhere": Person(
        "of the whole tenant", {"workspace_id": "w-9", "management_node_id": "n-9"}, 202, None
    ),
    "somebody with a revoked token": Person("revoked", {}, 401, "unauthorized"),
    "somebody with a token that nobody issued": Person("unknown", {}, 401, "unauthorized"),
}


@pytest.fixture
def secrets(control: ControlStore) -> dict[str, str]:
    """Secrets of tokens, by what they are for."""
    issued = {
        SCOPED: tenants.issue(control, SCOPED, workspaces=["workspace-1"], nodes=["node-1"]),
        "of tenant-b": tenants.issue(control, "of tenant-b", tenant_id="tenant-b"),
        "of the whole tenant": tenants.issue(control, "of the whole tenant"),
        "revoked": tenants.issue(control, "revoked"),
        "unknown": "flagctl_unknown",
    }
    tenants.revoke(control, "revoked")
    return issued


@pytest.fixture(params=Mode)
def in_mode(
    request: pytest.FixtureRequest, make_runtime: MakeRuntime, secrets: dict[str, str]
) -> tuple[Mode, TestClient]:
    return request.param, make_runtime(adapter_pin=request.param, policy_path=SAMPLE)


@pytest.mark.parametrize("who", PEOPLE)
def test_tenant_rules_are_the_same_in_every_mode(
    in_mode: tuple[Mode, TestClient], secrets: dict[str, str], files: DataFiles, who: str
) -> None:
    mode, runtime = in_mode
    person = PEOPLE[who]
    headers = tenants.bearer(secrets[person.token])
    answer = runtime.post(PATH, json=command(**person.changes), headers=headers)
    if person.status == 202 and mode is Mode.REAL_POLICY:
        # Let in as in the other modes; this process has no Slurm.
        assert (answer.status_code, answer.json()["code"]) == (503, "adapter_misconfigured")
        return
    assert answer.status_code == person.status
    assert answer.json().get("code") == person.code


@pytest.mark.parametrize("who", [who for who, person in PEOPLE.items() if person.code])
def test_who_is_refused_reaches_nothing_downstream(
    in_mode: tuple[Mode, TestClient], secrets: dict[str, str], files: DataFiles, who: str
) -> None:
    _, runtime = in_mode
    person = PEOPLE[who]
    broken = {**person.changes, "execution_profile": {"queue_name": " "}}
    headers = tenants.bearer(secrets[person.token])
    answer = runtime.post(PATH, json=command(**broken), headers=headers)
    assert answer.status_code == person.status  # and not 422 for the blank queue
    assert not list(files.spool.glob("*.json"))
    assert "flagctl_resolutions_total{" not in runtime.get("/metrics").text


def test_a_foreign_key_is_not_told_from_a_free_one(
    make_runtime: MakeRuntime, secrets: dict[str, str]
) -> None:
    runtime = make_runtime()
    runtime.post(PATH, json=command(), headers=tenants.bearer(secrets[SCOPED]))
    stranger = tenants.bearer(secrets["of tenant-b"])
    assert runtime.post(PATH, json=command(), headers=stranger).status_code == 403
    own = command(tenant_id="tenant-b")
    assert runtime.post(PATH, json=own, headers=stranger).status_code == 202


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", "Basic YTpi", "Bearer a b", "Bearer é", "Bearer " + "x" * 600],
)
def test_missing_or_malformed_credentials_are_401(runtime: TestClient, header: str | None) -> None:
    del runtime.headers["Authorization"]
    headers = [] if header is None else [(b"Authorization", header.encode())]
    answer = runtime.post(PATH, json=command(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_two_credentials_are_401(runtime: TestClient) -> None:
    secret = runtime.headers.pop("Authorization")
    twice = [("Authorization", secret), ("Authorization", secret)]
    assert runtime.post(PATH, json=command(), headers=twice).status_code == 401


def test_credentials_come_before_the_schema(runtime: TestClient) -> None:
    del runtime.headers["Authorization"]
    assert runtime.post(PATH, json={}).status_code == 401
    assert runtime.post(PATH, json={}, headers=tenants.bearer("unknown")).status_code == 401


def test_the_schema_comes_before_tenancy(runtime: TestClient) -> None:
    body = command(tenant_id="tenant-b", resource_shape__cpu=0)
    assert runtime.post(PATH, json=body).status_code == 400


def test_a_token_revoked_by_another_process_is_refused_at_once(
    runtime: TestClient, control: ControlStore
) -> None:
    assert runtime.post(PATH, json=command()).status_code == 202
    tenants.revoke(control)
    assert runtime.post(PATH, json=command()).status_code == 401


def test_without_a_store_tokens_are_503_and_never_401(
    make_runtime: MakeRuntime, files: DataFiles
) -> None:
    files.directory.mkdir()
    files.control.write_bytes(b"this is no database at all, however long one looks at it" * 50)
    runtime = make_runtime()
    answer = runtime.post(PATH, json=command(), headers=tenants.bearer("anything"))
    assert (answer.status_code, answer.json()["code"]) == (503, "execution_unavailable")
    assert answer.headers["Retry-After"]
    assert runtime.get("/api/ready").status_code == 503
    assert runtime.get("/api/health").json()["status"] == "degraded"
