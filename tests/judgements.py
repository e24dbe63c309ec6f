"""What a process might think of the top mode; a test changes what matters to it."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from flagctl.adapter.sample_policy import SAMPLE
from flagctl.domain.parity import parity
from flagctl.domain.policy import parse_policy
from flagctl.domain.precondition import Precondition
from flagctl.domain.preflight import PolicyInHand, Sighting, Trouble, verdict
from flagctl.domain.readiness import Judgement
from flagctl.store.runtime_db import ProcessRegistry
from flagctl.vocabulary import ProbeError
from tests.slurm.mappings import cluster

RUNBOOK = "https://runbook.example/"
POLICY = parse_policy(SAMPLE.read_bytes())


def sighting(at: datetime, **short: Any) -> Sighting:
    """The test cluster, with something else about its partition `short`."""
    seen = cluster()
    partitions = {**seen.partitions, "short": replace(seen.partitions["short"], **short)}
    return Sighting(at, replace(seen, partitions=partitions))


def judgement(at: datetime, queues: tuple[str, ...] = (), **short: Any) -> Judgement:
    """What a process thinks that saw the test cluster, with something else about `short`."""
    seen = sighting(at, **short)
    taken = verdict(PolicyInHand(POLICY), seen, RUNBOOK)
    return Judgement(taken, parity(POLICY, seen, queues))


def without_slurm(at: datetime) -> Judgement:
    """What a process thinks that has no pyslurm."""
    trouble = Trouble(Precondition.PYSLURM, ProbeError.TOOLING_MISSING, "no pyslurm here")
    seen = Sighting(at, None, trouble)
    taken = verdict(PolicyInHand(POLICY), seen, RUNBOOK)
    return Judgement(taken, parity(POLICY, seen, ()))


def tell(registry: ProcessRegistry, process_id: str, said: Judgement, now: datetime) -> None:
    """Keep it as the process would."""
    assert registry.judge(process_id, lambda _names: said, (), now)
