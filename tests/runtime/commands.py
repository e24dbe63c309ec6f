"""A `SubmitJobCommand` that is accepted, and how a test changes it."""

from copy import deepcopy
from typing import Any

PATH = "/api/runtime/jobs:submit"

_ACCEPTED: dict[str, Any] = {
    "tenant_id": "tenant-a",
    "workspace_id": "workspace-1",
    "job_id": "job-1",
    "idempotency_key": "key-1",
    "management_node_id": "node-1",
    "execution_profile": {"queue_name": "standard"},
    "resource_shape": {"cpu": 4, "memory_mib": 2048, "walltime_seconds": 3600},
    "payload_ref": {"input_uri": "s3://bucket/input"},
    "requested_by": {"user_id": "user-1"},
}


def command(**changes: Any) -> dict[str, Any]:
    """Return a command; `resource_shape__cpu=0` changes a field inside an object."""
    made = deepcopy(_ACCEPTED)
    for name, value in changes.items():
        outer, _, inner = name.partition("__")
        if inner:
            made[outer][inner] = value
        else:
            made[outer] = value
    return made


def without(*path: str) -> dict[str, Any]:
    """Return a command that lacks one field."""
    made = command()
    inside = made
    for name in path[:-1]:
        inside = inside[name]
    del inside[path[-1]]
    return made
