"""Payloads that this service only holds still (runtime contracts, section 3)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from flagctl.runtime.schemas import Payload

ExecutionState = Literal["accepted", "running", "completed", "failed"]
ProjectionState = Literal["queued", "running", "succeeded", "failed"]

# JSON has no type for times; text in RFC 3339 is taken for one.
Time = Annotated[datetime, Field(strict=False)]


class SchedulerRef(Payload):
    """The job as Slurm knows it, once it does."""

    slurm_job_id: str | None = None
    partition: str | None = None
    qos: str | None = None


class ExecutionResult(Payload):
    """Where a completed execution left its output."""

    output_uri: str
    metadata_uri: str | None = None


class ExecutionFailure(Payload):
    """Why an execution failed, and whether trying again may help."""

    code: str
    message: str
    retryable: bool


def _required_in(state: str, field: str) -> dict[str, Any]:
    state_is = {"properties": {"state": {"const": state}}}
    is_given = {"required": [field], "properties": {field: {"type": "object"}}}
    return {"if": state_is, "then": is_given}


class ExecutionEvent(Payload):
    """A step in the life of an execution, told by the management node."""

    model_config = ConfigDict(
        json_schema_extra={
            "allOf": [_required_in("completed", "result_ref"), _required_in("failed", "error")]
        }
    )

    event_id: str
    tenant_id: str
    workspace_id: str
    job_id: str
    submission_id: str
    execution_id: str
    state: ExecutionState
    occurred_at: Time
    trace_id: str
    status_detail: str | None = None
    scheduler_ref: SchedulerRef | None = None
    result_ref: ExecutionResult | None = None
    error: ExecutionFailure | None = None

    @model_validator(mode="after")
    def _says_how_it_ended(self) -> Self:
        if self.state == "completed" and self.result_ref is None:
            raise ValueError("a completed execution needs result_ref")
        if self.state == "failed" and self.error is None:
            raise ValueError("a failed execution needs error")
        return self


class ProjectionResult(Payload):
    """What the product shows of a result."""

    output_uri: str
    summary: str | None = None


class ProjectionFailure(Payload):
    """What the product shows of a failure."""

    code: str
    message: str


class ProjectionUpdate(Payload):
    """What the product is to show of a job."""

    projection_event_id: str
    tenant_id: str
    workspace_id: str
    job_id: str
    submission_id: str
    projection_state: ProjectionState
    source_execution_state: ExecutionState
    occurred_at: Time
    trace_id: str
    display_message: str | None = None
    result_ref: ProjectionResult | None = None
    failure: ProjectionFailure | None = None
