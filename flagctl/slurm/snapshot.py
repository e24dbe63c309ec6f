"""The live snapshot of the cluster: looked at in the background, read by every request.

A request pays a few microseconds. A snapshot older than its bound answers nothing: an outage is
an error with its age, never a changed resolution (architecture, decision 9).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Never

import structlog

from flagctl.domain.boundary import (
    SlurmAdapterBoundaryStub,
    SlurmQueueMapping,
    SlurmRealAdapterPreconditionError,
    SlurmUnavailableError,
)
from flagctl.domain.cluster import Cluster, objections
from flagctl.domain.precondition import Precondition
from flagctl.domain.preflight import Sighting, Trouble
from flagctl.slurm.client import SlurmClient, cluster_from
from flagctl.slurm.trouble import SlurmRefusedError, SlurmTroubleError
from flagctl.vocabulary import DEFAULT_MODE, ProbeError

LOOK_INTERVAL_S: Final = 3.0
RETRY_INTERVAL_S: Final = 1.0
"""After trouble: Slurm's return is seen soon."""

_WAY_OUT: Final = f"Roll back meanwhile: `flagctl rollback {DEFAULT_MODE}`."

_log: Final = structlog.get_logger("flagctl.slurm")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A cluster as it was seen at `taken_s` (`time.monotonic()`)."""

    cluster: Cluster
    taken_s: float
    _judged: dict[SlurmQueueMapping, str | None] = field(default_factory=dict, compare=False)

    def objection(self, mapping: SlurmQueueMapping) -> str | None:
        """Return why the cluster does not honour the mapping; worked out once for each."""
        if mapping not in self._judged:
            self._judged[mapping] = next(objections(self.cluster, mapping), None)
        return self._judged[mapping]


class LiveCluster:
    """Looks at the cluster every few seconds, and tells what a request needs of it.

    Args:
        client: asks Slurm.
        max_age_s: an older snapshot counts as no answer.
        interval_s: between two looks; after trouble one second.
        is_expected: somebody said that there is a Slurm. Else it is no news, and not logged, that
            there is nothing to ask it with.

    """

    def __init__(
        self,
        client: SlurmClient,
        *,
        max_age_s: float,
        interval_s: float = LOOK_INTERVAL_S,
        monotonic_s: Callable[[], float] = time.monotonic,
        is_expected: bool = True,
    ) -> None:
        self._client = client
        self._is_expected = is_expected
        self._max_age_s = max_age_s
        self._interval_s = interval_s
        self._monotonic_s = monotonic_s
        self._snapshot: Snapshot | None = None
        self._sighting = Sighting()
        self.on_news: Callable[[], None] = lambda: None
        """Called after a look that found something else than the one before."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="slurm-watch", daemon=True)

    @property
    def snapshot(self) -> Snapshot | None:
        """Return the last good look, however old; `None` before the first."""
        return self._snapshot

    @property
    def sighting(self) -> Sighting:
        """Return how the last look went."""
        return self._sighting

    def age_s(self) -> float | None:
        """Return how old the snapshot is (s); `None` when there is none."""
        snapshot = self._snapshot
        return None if snapshot is None else self._monotonic_s() - snapshot.taken_s

    def start(self) -> None:
        """Begin to look, in a thread of its own."""
        self._thread.start()

    def stop(self, timeout_s: float | None = None) -> None:
        """Look no more; a look that is under way ends at its deadline, waited for or not."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def require_honoured(self, boundary: SlurmAdapterBoundaryStub) -> None:
        """Return if the live cluster honours the boundary's mapping.

        Raises:
            SlurmRealAdapterPreconditionError: it does not.
            SlurmUnavailableError: the snapshot is older than its bound, or there is none.

        """
        snapshot = self.require_fresh()
        mapping = boundary.mapping
        objection = snapshot.objection(mapping) if mapping else "The boundary has no mapping."
        if objection is not None:
            raise SlurmRealAdapterPreconditionError(f"{objection} {_WAY_OUT}")

    def require_fresh(self) -> Snapshot:
        """Return the snapshot.

        Raises:
            SlurmUnavailableError: it is older than its bound, or there is none.
            SlurmRealAdapterPreconditionError: nothing is there to ask Slurm with.

        """
        snapshot = self._snapshot
        if snapshot is None or self._monotonic_s() - snapshot.taken_s > self._max_age_s:
            self._refuse(snapshot)
        return snapshot

    def require_age_s(self) -> float:
        """Return how old the snapshot is (s).

        Raises:
            SlurmPolicyError: as `require_fresh`.

        """
        return self._monotonic_s() - self.require_fresh().taken_s

    def _refuse(self, snapshot: Snapshot | None) -> Never:
        trouble = self._sighting.trouble
        if trouble is not None and _is_missing(self._sighting):
            # No retry mends that, so it is no outage.
            raise SlurmRealAdapterPreconditionError(
                f"There is no connection to Slurm: {trouble.detail}. {_WAY_OUT}"
            )
        why = trouble.detail if trouble else "no look at it has ended yet"
        if snapshot is None:
            when = "was never seen by this process"
        else:
            age_s = self._monotonic_s() - snapshot.taken_s
            when = f"was last seen {age_s:.1f} s ago, and {self._max_age_s:g} s is the most"
        raise SlurmUnavailableError(f"Slurm {when}: {why}. Try again. {_WAY_OUT}")

    def look(self) -> Sighting:
        """Look now, and return how it went; blocks this thread."""
        before = self._sighting
        sighting = self._looked()
        self._sighting = sighting
        if sighting.cluster is not None:
            self._snapshot = Snapshot(sighting.cluster, self._monotonic_s())
        if self._is_expected or not _is_missing(sighting):
            _tell_changes(before, sighting)
        if (before.cluster, before.trouble) != (sighting.cluster, sighting.trouble):
            self.on_news()
        return sighting

    def _watch(self) -> None:
        while not self._stop.is_set():
            sighting = self.look()
            is_fine = sighting.trouble is None
            self._stop.wait(
                self._interval_s if is_fine else min(self._interval_s, RETRY_INTERVAL_S)
            )

    def _looked(self) -> Sighting:
        latency_ms: dict[Precondition, float] = {}
        step = Precondition.CONTROLLER
        begin_s = time.perf_counter()
        try:
            control = self._client.control()
            latency_ms[Precondition.PYSLURM] = _since_ms(begin_s) - control.latency_ms
            latency_ms[step] = control.latency_ms
            step, begin_s = Precondition.ACCOUNTING, time.perf_counter()
            accounting = self._client.accounting()
            latency_ms[step] = accounting.latency_ms
            cluster = cluster_from(control.facts, accounting.facts, self._client.hello())
        except (SlurmTroubleError, SlurmRefusedError) as error:
            trouble = _trouble(step, error)
            latency_ms[trouble.step] = _since_ms(begin_s)
            return Sighting(_now(), None, trouble, latency_ms)
        except Exception as error:  # whatever it is, the next look may do better
            _log.exception("slurm_look_failed", step=step)
            trouble = Trouble(step, ProbeError.MISCONFIGURED, f"the look failed: {error!r}")
            return Sighting(_now(), None, trouble, latency_ms)
        return Sighting(_now(), cluster, None, latency_ms)


def _trouble(step: Precondition, error: SlurmTroubleError | SlurmRefusedError) -> Trouble:
    if isinstance(error, SlurmRefusedError):
        return Trouble(step, ProbeError.UNREACHABLE, str(error))
    is_childs = error.is_start or error.error is ProbeError.MISCONFIGURED
    return Trouble(Precondition.PYSLURM if is_childs else step, error.error, str(error))


def _is_missing(sighting: Sighting) -> bool:
    trouble = sighting.trouble
    return trouble is not None and trouble.error is ProbeError.TOOLING_MISSING


def _since_ms(begin_s: float) -> float:
    return (time.perf_counter() - begin_s) * 1000


def _now() -> datetime:
    return datetime.now(UTC)


def _tell_changes(before: Sighting, after: Sighting) -> None:
    """Log when Slurm went away, came back, or fails in another way; not each look."""
    was, trouble = before.trouble, after.trouble
    if trouble is not None and (was is None or was.step is not trouble.step):
        _log.warning(
            "slurm_unavailable", step=trouble.step, error=trouble.error, detail=trouble.detail
        )
    elif trouble is None and was is not None:
        _log.info("slurm_available")
