"""Whether the host is ready for the top mode, as page, API and command line show it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flagctl.domain.boundary import SlurmQueueMapping
from flagctl.domain.parity import Parity
from flagctl.domain.precondition import PRECONDITIONS, Precondition
from flagctl.domain.preflight import Finding
from flagctl.domain.readiness import Judge, readiness
from flagctl.present.wording import ago
from flagctl.vocabulary import LADDER, Mode, ProbeError, ProbeStatus


@dataclass(frozen=True, slots=True)
class PreconditionRecord:
    """One precondition, as the process found it that found the worst."""

    name: Precondition
    """Which precondition."""
    label: str
    """What it is called."""
    meaning: str
    """What must hold."""
    status: ProbeStatus
    """Whether it holds; what could not be asked does not."""
    error: ProbeError | None
    """Why it failed."""
    latency_ms: float
    """How long the question took (ms); 0 when nothing was asked."""
    detail: str
    """What was found, which queue it is about, and what to do."""


@dataclass(frozen=True, slots=True)
class ParityRecord:
    """One queue name: what the policy answers, and whether the top mode answers the same."""

    queue: str
    """The queue that is asked for."""
    resolved_queue: str | None
    """The queue that it leads to; `None` when the policy denies it."""
    used_fallback: bool
    """Whether the policy routes it to its default."""
    mapping: SlurmQueueMapping | None
    """Where it leads on the cluster."""
    denied: str | None
    """Why the policy denies it, in both modes."""
    is_same: bool
    """Whether the top mode answers the same."""
    refused: str | None
    """Why the top mode would refuse it."""


@dataclass(frozen=True, slots=True)
class JudgeRecord:
    """A live process that was asked."""

    process_id: str
    """The process, as `processes` names it."""
    host: str
    """Where it runs."""
    pid: int
    """Its number there."""
    pin: Mode | None
    """The mode that its environment pins."""
    counts: bool
    """Whether it could get the top mode."""
    taken_at: datetime | None
    """When it looked; `None` when it has not yet."""


@dataclass(frozen=True, slots=True)
class PreflightRecord:
    """Whether the top mode may come into force now; the upward gate goes by the same."""

    at: datetime
    """When this was put together."""
    mode: Mode
    """The mode that it is about."""
    holds: bool
    """Whether every precondition holds in every process that would get the mode."""
    sentence: str
    """The answer in one line."""
    taken_at: datetime | None
    """When the oldest verdict that counts was taken; `None` when one is missing."""
    checked: str
    """How long ago that was."""
    preconditions: tuple[PreconditionRecord, ...]
    """Every precondition; none when no process told of them."""
    problems: tuple[str, ...]
    """What stands in the way besides, and what to do."""
    parity: tuple[ParityRecord, ...]
    """Each mapped queue, and the names lately asked for."""
    processes: tuple[JudgeRecord, ...]
    """The live processes."""

    @property
    def worst(self) -> str:
        """Return the first thing that stands in the way; blank when nothing does."""
        for each in self.preconditions:
            if each.status is not ProbeStatus.OK:
                return each.detail
        return self.problems[0] if self.problems else ""


def preflight_record(live: Sequence[Judge], now: datetime) -> PreflightRecord:
    """Return what the live processes found together."""
    found = readiness(live, now)
    checked = f"checked {ago(found.taken_at, now)}" if found.taken_at else "not checked yet"
    ok = sum(each.status is ProbeStatus.OK for each in found.findings)
    answer = "Ready" if found.holds else "Not ready"
    counted = f"{ok} of {len(found.findings)} ok" if found.findings else "nobody knows"
    return PreflightRecord(
        at=now,
        mode=LADDER[-1],
        holds=found.holds,
        sentence=f"{answer} for {LADDER[-1]}: {counted}, {checked}",
        taken_at=found.taken_at,
        checked=checked,
        preconditions=tuple(_precondition(each) for each in found.findings),
        problems=found.problems,
        parity=tuple(_parity(each) for each in found.parity),
        processes=tuple(_judge(each) for each in live),
    )


def _precondition(finding: Finding) -> PreconditionRecord:
    words = PRECONDITIONS[finding.name]
    return PreconditionRecord(
        finding.name,
        words.label,
        words.help,
        finding.status,
        finding.error,
        round(finding.latency_ms, 1),
        finding.detail,
    )


def _parity(row: Parity) -> ParityRecord:
    return ParityRecord(
        row.queue,
        row.resolved_queue,
        row.used_fallback,
        row.mapping,
        row.denied,
        row.is_same,
        row.refused,
    )


def _judge(judge: Judge) -> JudgeRecord:
    process = judge.process
    taken_at = judge.judgement.verdict.taken_at if judge.judgement else None
    return JudgeRecord(
        process.id, process.host, process.pid, process.pin, judge.may_get_the_top_mode, taken_at
    )
