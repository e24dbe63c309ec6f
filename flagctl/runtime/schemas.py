"""The payloads of the submission API, as the contract names them (runtime contracts, section 2).

Types are strict: a JSON `true` is no integer and a number is no text. A key that the contract
does not name is refused: what was silently dropped would run as another job than was asked for.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

ID_MAX_CHARS: Final = 255
URI_MAX_CHARS: Final = 4096
INTEGER_MAX: Final = 2**53 - 1
"""Above this, JSON readers disagree on what a number says (RFC 8259, section 6)."""

Identifier = Annotated[
    str,
    Field(
        min_length=1,
        max_length=ID_MAX_CHARS,
        # Not blank, on one line, without control characters.
        pattern=r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$",
    ),
]
QueueName = Annotated[str, Field(max_length=ID_MAX_CHARS)]
"""May be blank here: that is a denial by the policy, not an error of the schema."""

InputUri = Annotated[
    str, Field(max_length=URI_MAX_CHARS, pattern=r"^(s3|gs|https)://[^\x00-\x20\x7f]+$")
]
Count = Annotated[int, Field(ge=1, le=INTEGER_MAX)]


class Payload(BaseModel):
    """What all payloads share."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class ExecutionProfile(Payload):
    """Where the job is to run; `qos` and `account` must be the mapping's if they are given."""

    queue_name: QueueName
    qos: Identifier | None = None
    account: Identifier | None = None


class ResourceShape(Payload):
    """How much the job asks for: vCPUs, MiB and seconds."""

    cpu: Count
    memory_mib: Count
    walltime_seconds: Count


class PayloadRef(Payload):
    """Where the input is read from, and where artifacts go."""

    input_uri: InputUri
    artifact_bucket: Identifier | None = None


class RequestedBy(Payload):
    """Who asked; the session may differ between a submission and its retry."""

    user_id: Identifier
    session_id: Identifier | None = None


class SubmitJobCommand(Payload):
    """A request to run a job; the key is unique in its tenant and workspace."""

    tenant_id: Identifier
    workspace_id: Identifier
    job_id: Identifier
    idempotency_key: Identifier
    management_node_id: Identifier
    execution_profile: ExecutionProfile
    resource_shape: ResourceShape
    payload_ref: PayloadRef
    requested_by: RequestedBy


class SubmissionAccepted(Payload):
    """The answer to a submission, and again to every retry of it."""

    job_id: str
    submission_id: UUID
    execution_owner: str
    accepted_at: datetime
    trace_id: str
