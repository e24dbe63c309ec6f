"""A healthy runtime answers whatever is sent as its OpenAPI document says."""

from starlette.testclient import TestClient

from tests.fuzzing import ask_everything, served


def test_no_request_finds_an_undocumented_status_or_a_fault(runtime: TestClient) -> None:
    headers = {"Authorization": runtime.headers["Authorization"]}
    with served(runtime.app) as url:
        asked = ask_everything(
            f"{url}/openapi.json",
            headers,
            # What the token covers: else every submission would end at the tenant's door.
            body={"tenant_id": "tenant-a", "workspace_id": "ws-1", "management_node_id": "node-1"},
        )
    assert asked >= 3
