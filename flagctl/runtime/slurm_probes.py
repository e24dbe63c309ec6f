"""Readiness's view of Slurm, which matters in the top mode only (architecture, decision 13)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from flagctl.dispatch.ports import Dispatcher
from flagctl.domain.precondition import Precondition
from flagctl.domain.preflight import Verdict
from flagctl.runtime.probes import Finding, Probe, ok, skipped
from flagctl.store.mode_reader import Reading
from flagctl.vocabulary import LADDER

_TOP: Final = LADDER[-1]
_NOT_IN_FORCE: Final = f"{_TOP} is not in force."


def slurm_probes(
    take_verdict: Callable[[], Verdict],
    require_fresh: Callable[[], float] | None,
    dispatcher: Dispatcher | None,
) -> tuple[Probe, ...]:
    """Return a probe for each precondition, for the age of the snapshot, and for the dispatcher.

    Args:
        take_verdict: takes the verdict of this process.
        require_fresh: returns the age of the snapshot (s), or raises because it is too old to
            answer from; `None` without a connection to Slurm.
        dispatcher: submits jobs; `None` without a connection to Slurm.

    """
    return (
        *(_precondition(name, take_verdict) for name in Precondition),
        _snapshot(require_fresh),
        _dispatcher(dispatcher),
    )


def _precondition(name: Precondition, take_verdict: Callable[[], Verdict]) -> Probe:
    async def found() -> Finding:
        each = take_verdict().finding(name)
        return Finding(each.status, each.detail, each.error, latency_ms=each.latency_ms)

    return Probe(f"slurm_{name}", _in_force(found))


def _snapshot(require_fresh: Callable[[], float] | None) -> Probe:
    async def found() -> Finding:
        if require_fresh is None:
            return skipped("This process has no connection to Slurm.")
        return ok(f"The cluster was seen {require_fresh():.1f} s ago.")

    return Probe("slurm_snapshot", _in_force(found))


def _dispatcher(dispatcher: Dispatcher | None) -> Probe:
    async def found() -> Finding:
        if dispatcher is None:
            return skipped("This process has no connection to Slurm.")
        await dispatcher.check()
        return ok("Jobs can be submitted, and their script can be read.")

    return Probe("slurm_dispatcher", _in_force(found))


def _in_force(found: Callable[[], Awaitable[Finding]]) -> Callable[[Reading], Awaitable[Finding]]:
    async def ask(reading: Reading) -> Finding:
        if reading.effective.mode is not _TOP:
            return skipped(_NOT_IN_FORCE)
        return await found()

    return ask
