"""The preconditions of `real-policy`: named probes, and one verdict over them.

Pure: the policy and what was last seen of the cluster come in, the verdict goes out. It is taken
by a process that would submit, because its user and environment are the ones that count; pages,
API, CLI, readiness and the upward gate read that one verdict (architecture, decision 9).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from flagctl.domain.boundary import SlurmQueueMapping
from flagctl.domain.cluster import (
    Cluster,
    account_objection,
    partition_objection,
    walltime_objection,
)
from flagctl.domain.gate import SlurmVerdict
from flagctl.domain.policy import QueuePolicy
from flagctl.domain.precondition import Precondition
from flagctl.vocabulary import ProbeError, ProbeStatus

_OBJECTIONS_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why nothing could be seen: the first of the steps that failed, and in which way."""

    step: Precondition
    error: ProbeError
    detail: str


@dataclass(frozen=True, slots=True)
class Sighting:
    """The last try to see the cluster: the cluster, or the trouble there was.

    `latency_ms` holds the steps that were done. Without either nothing was tried, and `why_not`
    says why.
    """

    taken_at: datetime | None = None
    cluster: Cluster | None = None
    trouble: Trouble | None = None
    latency_ms: Mapping[Precondition, float] = field(default_factory=dict)
    why_not: str = "Slurm was not looked at yet: this process starts."

    @property
    def was_tried(self) -> bool:
        """Tell whether there is an answer, or trouble."""
        return self.cluster is not None or self.trouble is not None


@dataclass(frozen=True, slots=True)
class PolicyInHand:
    """The queue policy of the process, or what is wrong with it."""

    policy: QueuePolicy | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One probe: `latency_ms` is how long the question took, 0 when nothing was asked."""

    name: Precondition
    status: ProbeStatus
    error: ProbeError | None
    latency_ms: float
    detail: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the preconditions hold, as of `taken_at` (`None`: the cluster was never seen)."""

    findings: tuple[Finding, ...]
    taken_at: datetime | None

    @property
    def holds(self) -> bool:
        """Tell whether every probe is fine; one that could not be asked is not."""
        return all(each.status is ProbeStatus.OK for each in self.findings)

    def finding(self, name: Precondition) -> Finding:
        """Return how one probe went."""
        return next(each for each in self.findings if each.name is name)

    @property
    def failed(self) -> tuple[Finding, ...]:
        """Return the probes that failed."""
        return tuple(each for each in self.findings if each.status is ProbeStatus.FAILED)

    @property
    def detail(self) -> str:
        """Return in one line what is wrong, or that nothing is."""
        wrong = (
            self.failed
            or tuple(each for each in self.findings if each.status is not ProbeStatus.OK)[:1]
        )
        told = "; ".join(f"{each.name}: {each.detail}" for each in wrong)
        return told or f"all {len(self.findings)} preconditions hold"

    def for_gate(self) -> SlurmVerdict:
        """Return what the upward gate needs of it.

        Before the cluster was seen, what failed is known, and nothing else.
        """
        is_known = self.taken_at is not None or self.failed
        return SlurmVerdict(self.holds if is_known else None, self.detail, self.taken_at)


Objection = Callable[[Cluster, SlurmQueueMapping], str | None]

_ON_THE_CLUSTER: Final[tuple[tuple[Precondition, Objection, str], ...]] = (
    (Precondition.PARTITIONS, partition_objection, "Every mapped partition exists and is UP."),
    (Precondition.ACCOUNTS, account_objection, "Every mapped account and QoS can be used there."),
    (Precondition.WALLTIME, walltime_objection, "Every mapped walltime is within the limits."),
)
_STEPS: Final = (Precondition.PYSLURM, Precondition.CONTROLLER, Precondition.ACCOUNTING)


def verdict(in_hand: PolicyInHand, sighting: Sighting, runbook: str) -> Verdict:
    """Return the verdict; `runbook` is the link shown beside every dangerous act."""
    findings = (
        _policy(in_hand),
        *_steps(sighting),
        *_mappings(in_hand.policy, sighting),
        _runbook(runbook),
    )
    return Verdict(findings, sighting.taken_at)


def _policy(in_hand: PolicyInHand) -> Finding:
    if in_hand.policy is None:
        return _failed(Precondition.POLICY, ProbeError.MISCONFIGURED, in_hand.problem)
    queues = len(in_hand.policy.mappings)
    return _ok(Precondition.POLICY, f"The queue policy is valid and maps {queues} queues.")


def _runbook(link: str) -> Finding:
    if not link:
        problem = "No runbook is linked. Set FLAGCTL_RUNBOOK_URL, or unset it for the built-in one."
        return _failed(Precondition.RUNBOOK, ProbeError.MISCONFIGURED, problem)
    return _ok(Precondition.RUNBOOK, link)


def _steps(sighting: Sighting) -> Iterator[Finding]:
    """Yield what is asked in turn: each needs the one before."""
    trouble, is_blocked = sighting.trouble, not sighting.was_tried
    for step in _STEPS:
        latency_ms = sighting.latency_ms.get(step, 0.0)
        if is_blocked:
            yield _skipped(step, sighting)
        elif trouble is not None and trouble.step is step:
            is_blocked = True
            yield Finding(step, ProbeStatus.FAILED, trouble.error, latency_ms, trouble.detail)
        else:
            yield _answered(step, sighting, latency_ms)


def _answered(step: Precondition, sighting: Sighting, latency_ms: float) -> Finding:
    cluster = sighting.cluster
    if cluster is None:
        return Finding(step, ProbeStatus.OK, None, latency_ms, "It answered.")
    if step is Precondition.PYSLURM:
        return _pyslurm(cluster, latency_ms)
    if step is Precondition.CONTROLLER:
        return Finding(step, ProbeStatus.OK, None, latency_ms, _controllers(cluster))
    detail = f"slurmdbd answered: {cluster.user} has {len(cluster.associations)} associations."
    return Finding(step, ProbeStatus.OK, None, latency_ms, detail)


def _pyslurm(cluster: Cluster, latency_ms: float) -> Finding:
    if release(cluster.pyslurm) == release(cluster.version):
        detail = f"pyslurm {cluster.pyslurm} for Slurm {cluster.version}, as {cluster.user}."
        return Finding(Precondition.PYSLURM, ProbeStatus.OK, None, latency_ms, detail)
    detail = (
        f"pyslurm {cluster.pyslurm} was built for another Slurm than the cluster's "
        f"{cluster.version}. Build pyslurm against that release and point FLAGCTL_SLURM_CHILD "
        "at its Python."
    )
    error = ProbeError.MISCONFIGURED
    return Finding(Precondition.PYSLURM, ProbeStatus.FAILED, error, latency_ms, detail)


def release(version: str) -> tuple[int, ...]:
    """Return X.Y of a version: `26.05.5` and `26.5.0` are of one release."""
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())


def _controllers(cluster: Cluster) -> str:
    shown = ", ".join(
        f"{each.host} {'answers' if each.answers else 'does not answer'}"
        for each in cluster.controllers
    )
    return f"{cluster.name}, Slurm {cluster.version}: {shown}."


def _mappings(policy: QueuePolicy | None, sighting: Sighting) -> Iterator[Finding]:
    for name, objection, fine in _ON_THE_CLUSTER:
        if policy is None or sighting.cluster is None:
            yield _skipped(name, sighting)
            continue
        cluster = sighting.cluster
        raised = [objection(cluster, mapping) for mapping in policy.mappings.values()]
        problem = _joined(each for each in raised if each is not None)
        if problem:
            yield _failed(name, ProbeError.POLICY_MISMATCH, problem)
        else:
            yield _ok(name, fine)


def _joined(objections: Iterable[str]) -> str:
    found = list(objections)
    more = len(found) - _OBJECTIONS_SHOWN
    rest = [f"And {more} more like these."] if more > 0 else []
    return " ".join((*found[:_OBJECTIONS_SHOWN], *rest))


def _ok(name: Precondition, detail: str) -> Finding:
    return Finding(name, ProbeStatus.OK, None, 0.0, detail)


def _failed(name: Precondition, error: ProbeError, detail: str) -> Finding:
    return Finding(name, ProbeStatus.FAILED, error, 0.0, detail)


def _skipped(name: Precondition, sighting: Sighting) -> Finding:
    why_not = "Not known: an earlier precondition fails."
    detail = why_not if sighting.was_tried else sighting.why_not
    return Finding(name, ProbeStatus.SKIPPED, None, 0.0, detail)
