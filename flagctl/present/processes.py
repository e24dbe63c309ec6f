"""From what adapter processes say of themselves to who follows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from flagctl.domain.effective import EffectiveMode
from flagctl.domain.process import (
    Convergence,
    Heard,
    ProcessReport,
    convergence,
    followed_at,
    follows,
)
from flagctl.present.records import ConvergenceRecord, EffectiveRecord, ProcessRecord
from flagctl.present.wording import ago, plural


def effective_record(mode: EffectiveMode) -> EffectiveRecord:
    """Return an effective mode as it is shown."""
    return EffectiveRecord(mode.mode, mode.configured, mode.source, mode.freshness, mode.revision)


def process_record(report: ProcessReport, revision: int, now: datetime) -> ProcessRecord:
    """Return an adapter process as it is shown, measured by the store's `revision`."""
    return ProcessRecord(
        id=report.id,
        host=report.host,
        pid=report.pid,
        role=report.role,
        version=report.version,
        started_at=report.started_at,
        heard_at=report.heard_at,
        last_heard=ago(report.heard_at, now),
        is_live=report.is_live(now),
        follows=follows(report, revision),
        followed_at=followed_at(report, revision),
        pin=report.pin,
        in_force=effective_record(report.in_force),
        in_flight=report.in_flight,
    )


def followers(
    heard: Heard, revision: int, now: datetime, committed_at: datetime | None
) -> ConvergenceRecord:
    """Return who follows a revision: the one receipt, the same at every door.

    `committed_at` is when the revision came to be; `None` when nobody knows.
    """
    found = convergence(heard.reports, revision, now, committed_at, heard.gap)
    return convergence_record(found, now)


def convergence_record(found: Convergence, now: datetime) -> ConvergenceRecord:
    """Return who follows, as it is shown."""
    shown = ConvergenceRecord(
        revision=found.revision,
        live=found.live,
        following=len(found.following),
        is_proven=found.is_proven,
        behind=_processes(found.behind, found.revision, now),
        silent=_processes(found.silent, found.revision, now),
        finishing=found.finishing,
        took_s=None if found.took is None else found.took.total_seconds(),
        gap=found.gap,
        sentence="",
    )
    return replace(shown, sentence=_convergence_sentence(shown))


def details(found: ConvergenceRecord) -> tuple[str, ...]:
    """Return what the sentence leaves out: who is silent, and what still ends in an old mode."""
    silent = ", ".join(f"{process_name(each)} ({each.last_heard})" for each in found.silent)
    return (
        *(
            f"{plural(count, 'submission')} in flight still {'ends' if count == 1 else 'end'} in "
            f"{mode}, in which {'it' if count == 1 else 'they'} began"
            for mode, count in found.finishing.items()
        ),
        *([f"not heard of for 10 s, so not counted: {silent}"] if silent else []),
    )


def count_of(found: ConvergenceRecord) -> str:
    """Return who follows in the few words of a line to paste; empty when nobody was heard of."""
    took = f" in {found.took_s:.1f} s" if found.is_proven and found.took_s is not None else ""
    noun = "process" if found.live == 1 else "processes"
    parts = (
        f"{found.following}/{found.live} {noun}{took}" if found.live else "",
        "perhaps more" if found.live and found.gap else "",
        f"{len(found.silent)} silent" if found.silent else "",
    )
    return ", ".join(part for part in parts if part)


def process_name(process: ProcessRecord) -> str:
    """Return how a process is called in a sentence."""
    return f"pid {process.pid} on {process.host}"


def _processes(
    reports: Sequence[ProcessReport], revision: int, now: datetime
) -> tuple[ProcessRecord, ...]:
    return tuple(process_record(report, revision, now) for report in reports)


def _convergence_sentence(found: ConvergenceRecord) -> str:
    if found.live == 0:
        text = "no live process was heard of on this host, so nobody is proven to follow"
    else:
        verb = "follows" if found.live == 1 else "follow"
        text = (
            f"{found.following} of {plural(found.live, 'process', 'processes')} "
            f"heard of on this host {verb}"
        )
    if found.is_proven and found.took_s is not None:
        text += f", {found.took_s:.1f} s after the commit"
    if found.behind:
        text += f"; behind: {', '.join(map(process_name, found.behind))}"
    if found.silent:
        text += f"; {len(found.silent)} {'is' if len(found.silent) == 1 else 'are'} silent"
    if found.gap:
        text += f"; not proven, because there may be more: {found.gap}"
    return text
