"""Whether the host is ready for the top mode: what all processes found that would get it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from flagctl.domain.gate import SlurmVerdict, is_stale
from flagctl.domain.parity import Parity
from flagctl.domain.precondition import Precondition
from flagctl.domain.preflight import Finding, Verdict
from flagctl.domain.process import ProcessReport
from flagctl.vocabulary import LADDER, ProbeStatus

_WORST_FIRST: Final = (ProbeStatus.FAILED, ProbeStatus.SKIPPED, ProbeStatus.OK)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one process thinks of the top mode: its verdict, and the queues that it compared."""

    verdict: Verdict
    parity: tuple[Parity, ...] = ()


@dataclass(frozen=True, slots=True)
class Judge:
    """A live process and what it told last; `None` when it told nothing."""

    process: ProcessReport
    judgement: Judgement | None

    @property
    def name(self) -> str:
        """Return how the process is called in a sentence."""
        return f"pid {self.process.pid} on {self.process.host}"

    @property
    def may_get_the_top_mode(self) -> bool:
        """Tell whether flags could give it that mode, or its environment does."""
        return self.process.pin in (None, LADDER[-1])

    def for_gate(self, now: datetime, *, is_named: bool) -> SlurmVerdict:
        """Return what the upward gate needs of it; `is_named` says which process it is."""
        who = f"{self.name}: " if is_named else ""
        if self.judgement is None:
            return SlurmVerdict(None, f"{self.name} has told nothing about Slurm")
        found = self.judgement.verdict.for_gate()
        return replace(found, detail=f"{who}{found.detail}")


@dataclass(frozen=True, slots=True)
class Readiness:
    """The one answer that page, API, command line and first page show.

    `findings` has each precondition as the process found it that found the worst; `taken_at` is
    the oldest verdict that counts. `problems` say what else stands in the way.
    """

    findings: tuple[Finding, ...]
    parity: tuple[Parity, ...]
    taken_at: datetime | None
    problems: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Tell whether every precondition holds in every process, as of just now."""
        return (
            bool(self.findings)
            and not self.problems
            and all(each.status is ProbeStatus.OK for each in self.findings)
        )


def judges(
    reports: Iterable[ProcessReport], told: dict[str, Judgement], now: datetime
) -> tuple[Judge, ...]:
    """Return the live processes, each with what it told."""
    return tuple(Judge(each, told.get(each.id)) for each in reports if each.is_live(now))


def verdicts_for_gate(live: Sequence[Judge], now: datetime) -> tuple[SlurmVerdict, ...]:
    """Return one verdict for each live process, in their order."""
    return tuple(each.for_gate(now, is_named=len(live) > 1) for each in live)


def readiness(live: Sequence[Judge], now: datetime) -> Readiness:
    """Return what the processes found together; those pinned below the top mode don't count."""
    counting = [each for each in live if each.may_get_the_top_mode] or list(live)
    found = [each.judgement.verdict for each in counting if each.judgement is not None]
    times = [each.taken_at for each in found if each.taken_at is not None]
    return Readiness(
        findings=tuple(_findings(counting)),
        parity=_parity(counting),
        taken_at=min(times) if times and len(times) == len(counting) else None,
        problems=tuple(_problems(counting, now)),
    )


def _problems(counting: Sequence[Judge], now: datetime) -> Iterator[str]:
    if not counting:
        yield (
            "No live process was heard of, so nobody has looked at Slurm. Start the runtime: "
            "`flagctl runtime`."
        )
    for each in counting:
        taken_at = each.judgement.verdict.taken_at if each.judgement else None
        if each.judgement is None:
            yield f"{each.name} has told nothing about Slurm: restart it with this version."
        elif taken_at is not None and is_stale(taken_at, now):
            yield f"{each.name} has not looked at Slurm lately: see its log."


def _findings(counting: Sequence[Judge]) -> Iterator[Finding]:
    told = [(each, each.judgement.verdict) for each in counting if each.judgement is not None]
    if not told:
        return
    for name in Precondition:
        found = [(judge, taken.finding(name)) for judge, taken in told]
        judge, worst = min(found, key=lambda pair: _WORST_FIRST.index(pair[1].status))
        is_shared = all(each.status is worst.status for _, each in found)
        yield worst if is_shared else replace(worst, detail=f"{judge.name}: {worst.detail}")


def _parity(counting: Sequence[Judge]) -> tuple[Parity, ...]:
    """Return a row for each queue; of two processes that differ the refusal is shown."""
    rows: dict[str, Parity] = {}
    for each in counting:
        for row in each.judgement.parity if each.judgement else ():
            if row.queue not in rows or (rows[row.queue].is_same and not row.is_same):
                rows[row.queue] = row
    return tuple(rows.values())
