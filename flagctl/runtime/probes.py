"""What the runtime depends on, asked in turn for readiness and health (decisions 6 and 13)."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import structlog
from pydantic import BaseModel, Field

from flagctl.adapter.policy_file import PolicyFile
from flagctl.dispatch.ports import Dispatcher
from flagctl.errors import Code, FlagctlError, UnavailableError
from flagctl.store.mode_reader import ModeReader, Reading
from flagctl.store.submissions import SubmissionStore
from flagctl.vocabulary import EMERGENCY_MODE, ProbeError, ProbeStatus

_log: Final = structlog.get_logger("flagctl.runtime")

PROBE_TIMEOUT_S: Final = 2.0
IN_DOUBT_SHOWN: Final = 5
LEAST_FREE_BYTES: Final = 1024 * 1024


class ProbeResult(BaseModel):
    """How one probe went. A failed one that is not required degrades; it stops nothing."""

    name: str
    status: ProbeStatus
    error: ProbeError | None = None
    latency_ms: float
    detail: str = Field(description="What was found, and what to do when it failed.")
    required: bool

    @property
    def stops_service(self) -> bool:
        """Tell whether submissions can't be taken because of it."""
        return self.required and self.status is ProbeStatus.FAILED


@dataclass(frozen=True, slots=True)
class Finding:
    """What a probe found, before it is timed."""

    status: ProbeStatus
    detail: str
    error: ProbeError | None = None
    required: bool = True
    latency_ms: float | None = None
    """How long it took when it was asked; `None` when that is now."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One thing that the runtime depends on, and how to ask it."""

    name: str
    ask: Callable[[Reading], Awaitable[Finding]]


def ok(detail: str) -> Finding:
    """Return that it works."""
    return Finding(ProbeStatus.OK, detail)


def skipped(detail: str) -> Finding:
    """Return that it does not matter now."""
    return Finding(ProbeStatus.SKIPPED, detail)


def failed(error: ProbeError, detail: str, *, required: bool = True) -> Finding:
    """Return that it does not work."""
    return Finding(ProbeStatus.FAILED, detail, error, required)


async def run(probes: Sequence[Probe], reader: ModeReader) -> list[ProbeResult]:
    """Ask all probes at once, each within its deadline, about one reading of the mode."""
    reading = reader.read()
    return list(await asyncio.gather(*(_run(probe, reading) for probe in probes)))


async def _run(probe: Probe, reading: Reading) -> ProbeResult:
    started_s = time.perf_counter()
    try:
        async with asyncio.timeout(PROBE_TIMEOUT_S):
            finding = await probe.ask(reading)
    except TimeoutError:
        finding = failed(ProbeError.TIMEOUT, f"No answer within {PROBE_TIMEOUT_S:g} s.")
    except (FlagctlError, OSError) as error:
        is_config = getattr(error, "code", None) is Code.MISCONFIGURED
        kind = ProbeError.MISCONFIGURED if is_config else ProbeError.UNREACHABLE
        finding = failed(kind, str(error))
    except Exception as error:
        # Health answers always, also about a fault of ours.
        _log.exception("probe_failed", probe=probe.name)
        finding = failed(ProbeError.UNREACHABLE, f"The probe itself failed: {error!r}")
    return ProbeResult(
        name=probe.name,
        status=finding.status,
        error=finding.error,
        latency_ms=round(_or_since(finding.latency_ms, started_s), 3),
        detail=finding.detail,
        required=finding.required,
    )


def _or_since(latency_ms: float | None, started_s: float) -> float:
    return (time.perf_counter() - started_s) * 1000 if latency_ms is None else latency_ms


def control_store() -> Probe:
    """Return the probe of control.db; a process with a last known state serves without it."""

    async def ask(reading: Reading) -> Finding:
        if reading.trouble is not None:
            never_read = reading.scopes is None
            return failed(ProbeError.UNREACHABLE, str(reading.trouble), required=never_read)
        return ok(f"Revision {reading.effective.revision}.")

    return Probe("control_store", ask)


def submissions(store: SubmissionStore) -> Probe:
    """Return the probe of submissions.db: without it nothing is dispatched."""

    async def ask(_reading: Reading) -> Finding:
        await store.check()
        return ok("Claims can be written.")

    return Probe("submissions_store", ask)


def in_doubt(store: SubmissionStore, clock: Callable[[], datetime], lease: timedelta) -> Probe:
    """Return the probe of submissions of which nobody knows whether they arrived.

    Each stays 503 until its retry is answered; they need somebody's attention and stop nothing.
    """

    async def ask(_reading: Reading) -> Finding:
        try:
            count, oldest = await store.in_doubt(clock() - lease, IN_DOUBT_SHOWN)
        except UnavailableError:
            return skipped("submissions.db can't be read; its own probe says why.")
        if not count:
            return ok("None.")
        shown = ", ".join(
            f"{claim.submission_id} ({claim.dispatcher}, claimed at {claim.claimed_at})"
            for claim in oldest
        )
        return failed(
            ProbeError.UNREACHABLE,
            f"{count} in doubt (`flagctl submissions list`), the oldest: {shown}.",
            required=False,
        )

    return Probe("submissions_in_doubt", ask)


def dispatcher(which: Dispatcher) -> Probe:
    """Return the probe of whoever takes submissions."""

    async def ask(_reading: Reading) -> Finding:
        await which.check()
        return ok("Submissions can be handed over.")

    return Probe(which.name, ask)


def queue_policy(policy: PolicyFile | None) -> Probe:
    """Return the probe of the policy file; the emergency mode does not need it."""

    async def ask(reading: Reading) -> Finding:
        if reading.effective.mode is EMERGENCY_MODE:
            return skipped(f"{EMERGENCY_MODE} is in force and needs no policy.")
        if policy is None:
            return skipped("ZPE_SLURM_POLICY_PATH is not set: queues go through as asked.")
        policy.policy()
        return ok(f"{policy.path}")

    return Probe("queue_policy", ask)


def data_directory(directory: Path) -> Probe:
    """Return the probe of the data directory: writable, with some room left."""

    async def ask(_reading: Reading) -> Finding:
        if not os.access(directory, os.W_OK | os.X_OK):
            return failed(
                ProbeError.MISCONFIGURED,
                f"{directory} can't be written. It must belong to the service group, mode 2770.",
            )
        status = os.statvfs(directory)
        free_bytes = status.f_bavail * status.f_frsize
        if free_bytes < LEAST_FREE_BYTES:
            return failed(ProbeError.UNREACHABLE, f"The disk under {directory} is full.")
        return ok(f"{free_bytes // LEAST_FREE_BYTES} MiB free.")

    return Probe("data_directory", ask)


def process_registry(trouble: Callable[[], str | None]) -> Probe:
    """Return the probe of runtime.db, by which others see that this process follows."""

    async def ask(_reading: Reading) -> Finding:
        found = trouble()
        if found is None:
            return ok("This process is heard of.")
        detail = f"No receipt can count this process: {found} It may be deleted at any time."
        return failed(ProbeError.UNREACHABLE, detail, required=False)

    return Probe("process_registry", ask)
