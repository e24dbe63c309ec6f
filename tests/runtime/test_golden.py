"""The public schemas stay as they are, byte for byte, in every mode.

After a change that is meant, `python -m tests.runtime.test_golden` writes the files anew.
"""

import json
from pathlib import Path

import pytest
from pydantic import BaseModel

from flagctl.runtime.events import ExecutionEvent, ProjectionUpdate
from flagctl.runtime.schemas import SubmitJobCommand
from flagctl.vocabulary import Mode
from tests.runtime.conftest import MakeRuntime

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
PAYLOADS: dict[str, type[BaseModel]] = {
    "submit-job-command.json": SubmitJobCommand,
    "execution-event.json": ExecutionEvent,
    "projection-update.json": ProjectionUpdate,
}
OPENAPI = GOLDEN / "runtime-openapi.json"


def schema_text(payload: type[BaseModel]) -> str:
    return json.dumps(payload.model_json_schema(), indent=2) + "\n"


@pytest.mark.parametrize("name", PAYLOADS)
def test_a_payloads_schema_is_unchanged(name: str) -> None:
    assert schema_text(PAYLOADS[name]) == (GOLDEN / name).read_text()


def test_the_openapi_document_is_unchanged_and_the_same_bytes_in_every_mode(
    make_runtime: MakeRuntime,
) -> None:
    documents = {}
    for mode in Mode:
        runtime = make_runtime(adapter_pin=mode)
        assert runtime.get("/api/health").json()["in_force"]["mode"] == mode
        documents[mode] = runtime.get("/openapi.json").content
    (document,) = set(documents.values())
    assert json.dumps(json.loads(document), indent=2) + "\n" == OPENAPI.read_text()


def test_the_openapi_document_refers_to_nothing_that_is_missing() -> None:
    document = json.loads(OPENAPI.read_text())
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert references(document) <= known


def references(node: object) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"]} if "$ref" in node else set()
        return own.union(*map(references, node.values()))
    return set().union(*map(references, node)) if isinstance(node, list) else set()


def test_every_status_of_the_contract_is_documented() -> None:
    submit = json.loads(OPENAPI.read_text())["paths"]["/api/runtime/jobs:submit"]["post"]
    statuses = {"202", "400", "401", "403", "404", "409", "413", "422", "500", "503"}
    assert submit["responses"].keys() == statuses


EVENT = {
    "event_id": "e",
    "tenant_id": "t",
    "workspace_id": "w",
    "job_id": "j",
    "submission_id": "s",
    "execution_id": "x",
    "state": "running",
    "occurred_at": "2026-05-01T12:00:00Z",
    "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
}
FAILURE = {"code": "c", "message": "m", "retryable": False}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"state": "accepted", "status_detail": "queued"},
        {"state": "completed", "result_ref": {"output_uri": "s3://b/o"}},
        {"state": "failed", "error": FAILURE},
        {"scheduler_ref": {"slurm_job_id": "7", "partition": "short", "qos": "normal"}},
    ],
    ids=str,
)
def test_an_execution_event_of_the_contract_is_taken(changes: dict[str, object]) -> None:
    ExecutionEvent.model_validate_json(json.dumps({**EVENT, **changes}))


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "completed"},
        {"state": "failed"},
        {"state": "cancelled"},
        {"occurred_at": "yesterday"},
        {"state": "failed", "error": {**FAILURE, "retryable": 1}},
        {"surprise": 1},
    ],
    ids=str,
)
def test_an_execution_event_outside_the_contract_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="ExecutionEvent"):
        ExecutionEvent.model_validate_json(json.dumps({**EVENT, **changes}))


def write_anew() -> None:
    import tempfile

    from starlette.testclient import TestClient

    from flagctl.settings import Settings
    from flagctl.wiring import runtime_app

    for name, payload in PAYLOADS.items():
        (GOLDEN / name).write_text(schema_text(payload))
    with tempfile.TemporaryDirectory() as folder:
        with TestClient(runtime_app(Settings(data_dir=Path(folder)))) as runtime:
            document = runtime.get("/openapi.json").json()
        OPENAPI.write_text(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    write_anew()
