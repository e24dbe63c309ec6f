"""A healthy runtime answers whatever is sent as its OpenAPI document says."""

from flagctl.adapter.sample_policy import SAMPLE
from flagctl.settings import Settings
from flagctl.store.files import DataFiles
from flagctl.wiring import runtime_app
from tests.fuzzing import ask_everything, served
from tests.runtime.tenants import bearer


def test_no_request_finds_an_undocumented_status_or_a_fault(files: DataFiles, token: str) -> None:
    app = runtime_app(Settings(data_dir=files.directory, policy_path=SAMPLE))
    with served(app) as url:
        asked = ask_everything(
            f"{url}/openapi.json",
            bearer(token),
            # What the token covers: else every submission would end at the tenant's door.
            body={"tenant_id": "tenant-a", "workspace_id": "ws-1", "management_node_id": "node-1"},
        )
    assert asked >= 3
