"""A submission: the key that makes it one, the intent that must not change, and its answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from flagctl.domain.boundary import SlurmAdapterBoundaryStub, SlurmQueueMapping
from flagctl.domain.canonical import canonical_json
from flagctl.vocabulary import Mode, SubmissionState

Command = Mapping[str, Any]
"""A checked `SubmitJobCommand` as JSON has it, without the keys that were not given."""


def idempotency_digest(tenant_id: str, workspace_id: str, idempotency_key: str) -> str:
    """Return what names a submission everywhere: 64 hexadecimal digits.

    The key is unique in its tenant and workspace only, and may hold what no file name and no
    HTTP header can; the digest has neither problem.
    """
    return _sha256([tenant_id, workspace_id, idempotency_key])


def intent_hash(command: Command) -> str:
    """Return the hash of everything that a replay must repeat (runtime contracts, section 2).

    `requested_by.session_id` alone may differ. An optional field that is not given differs from
    one that is.
    """
    requested_by = {"user_id": command["requested_by"]["user_id"]}
    return _sha256({**command, "requested_by": requested_by})


def _sha256(value: object) -> str:
    return sha256(canonical_json(value).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A submission by its names; `begun_at` is the time of its first attempt."""

    digest: str
    submission_id: str
    begun_at: datetime

    @property
    def job_name(self) -> str:
        """Return the name of its job: nobody else's, also where two services share a Slurm user."""
        return f"flagctl-{self.digest}-{self.submission_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order(Named):
    """What a dispatcher hands over: the command, where its queue leads, and its names.

    `is_first` says that nothing was ever sent for it.
    """

    trace_id: str
    command: Command
    boundary: SlurmAdapterBoundaryStub
    is_first: bool = False

    def document(self) -> str:
        """Return the canonical JSON that the management node gets."""
        return canonical_json(
            {
                "idempotency_digest": self.digest,
                "submission_id": self.submission_id,
                "trace_id": self.trace_id,
                "command": self.command,
                "boundary": asdict(self.boundary),
            }
        )


def boundary_from_json(text: str) -> SlurmAdapterBoundaryStub:
    """Return the boundary that `canonical_json(asdict(boundary))` wrote."""
    fields = json.loads(text)
    mapping = fields["mapping"]
    fields["adapter"] = Mode(fields["adapter"])
    fields["mapping"] = None if mapping is None else SlurmQueueMapping(**mapping)
    return SlurmAdapterBoundaryStub(**fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A submission as submissions.db knows it. Times are text (`domain.times`).

    `mode`, `boundary` (JSON) and `dispatcher` are those it was claimed with: whoever finishes it
    uses them again. `begun_at` is the time of its first attempt, `claimed_at` that of its last.
    `claimer` is the process that works on it, `None` when nobody does; `answer` is the body of
    the first 202.
    """

    digest: str
    submission_id: str
    tenant_id: str
    workspace_id: str
    job_id: str
    management_node_id: str
    idempotency_key: str
    intent: str
    mode: Mode
    boundary: str
    dispatcher: str
    trace_id: str
    claimed_at: str
    begun_at: str
    claimer: str | None
    state: SubmissionState = SubmissionState.CLAIMED
    answer: str | None = None
