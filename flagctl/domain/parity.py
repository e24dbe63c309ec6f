"""What `stub-policy` answers for a queue, and whether `real-policy` would answer the same.

It never answers otherwise: the same, or it refuses and says why (runtime contracts, section 1).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from flagctl.domain.boundary import (
    SlurmAdapterBoundaryStub,
    SlurmPolicyDeniedError,
    SlurmQueueMapping,
    requested_queue,
)
from flagctl.domain.cluster import Cluster, objections
from flagctl.domain.policy import QueuePolicy
from flagctl.domain.preflight import Sighting
from flagctl.vocabulary import DEFAULT_MODE, LADDER

ROWS_MAX: Final = 500
"""More than a page can show; a policy may map more."""


@dataclass(frozen=True, slots=True)
class Parity:
    """One queue name. `refused` is why the top mode would not answer as the policy does.

    `denied` is the policy's own no, which is the same in both modes; then nothing is resolved.
    """

    queue: str
    resolved_queue: str | None
    used_fallback: bool
    mapping: SlurmQueueMapping | None
    denied: str | None
    refused: str | None

    @property
    def is_same(self) -> bool:
        """Tell whether both modes answer the same."""
        return self.refused is None


def parity(
    policy: QueuePolicy | None, sighting: Sighting, names: Iterable[str]
) -> tuple[Parity, ...]:
    """Return a row for each mapped queue, and for each other name that was asked for.

    Blank names are denied in every mode and have none.
    """
    if policy is None:
        return ()
    others = sorted({name.strip() for name in names} - set(policy.mappings) - {""})
    asked = (*policy.mappings, *others)[:ROWS_MAX]
    return tuple(_row(policy, sighting, name) for name in asked)


def _row(policy: QueuePolicy, sighting: Sighting, name: str) -> Parity:
    try:
        boundary = policy.boundary(DEFAULT_MODE, requested_queue(name))
    except SlurmPolicyDeniedError as error:
        return Parity(name, None, False, None, str(error), None)
    return Parity(
        name,
        boundary.resolved_queue,
        boundary.used_fallback,
        boundary.mapping,
        None,
        next(_refusals(boundary, sighting), None),
    )


def _refusals(boundary: SlurmAdapterBoundaryStub, sighting: Sighting) -> Iterator[str]:
    cluster: Cluster | None = sighting.cluster
    if cluster is None:
        trouble = sighting.trouble
        why = trouble.detail if trouble else sighting.why_not
        yield f"{LADDER[-1]} can't be answered now: {why}"
    elif boundary.mapping is not None:
        yield from objections(cluster, boundary.mapping)
