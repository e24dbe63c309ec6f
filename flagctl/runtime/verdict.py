"""The verdict on `real-policy` that this process takes: for its own readiness and for all others.

Its user and environment are those that would submit (architecture, decision 9).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from flagctl.adapter.policy_file import PolicyFile, PolicyReading
from flagctl.domain.preflight import PolicyInHand, Sighting, Verdict, verdict

NO_POLICY_PATH: Final = (
    "ZPE_SLURM_POLICY_PATH is not set. Set it to the queue policy file and restart this process."
)
NOT_ASKED: Final = "Not asked: without a queue policy there is nothing to hold against the cluster."


class LiveVerdict:
    """Takes the verdict of now; it is worked out anew only when policy or cluster were.

    Args:
        policy: the policy file of this process, if it has one.
        sighting: tells how the last look at the cluster went; `None` when this process has no
            connection to Slurm, because it has no policy.
        runbook: the link shown beside every dangerous act.
        clock: tells the time, aware and in UTC.

    """

    def __init__(
        self,
        policy: PolicyFile | None,
        sighting: Callable[[], Sighting] | None,
        runbook: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._policy = policy
        self._sighting = sighting
        self._runbook = runbook
        self._clock = clock
        self._last: tuple[PolicyReading | None, Sighting, Verdict] | None = None

    def __call__(self) -> Verdict:
        """Return the verdict; costs no I/O beyond a look at the policy file's `stat`."""
        reading = self._policy.reading() if self._policy else None
        seen = self._seen()
        last = self._last
        if last is not None and last[0] is reading and last[1] is seen:
            return last[2]
        taken = verdict(_in_hand(reading), seen, self._runbook)
        self._last = (reading, seen, taken)
        return taken

    def _seen(self) -> Sighting:
        if self._sighting is None:
            return Sighting(taken_at=self._clock(), why_not=NOT_ASKED)
        return self._sighting()


def _in_hand(reading: PolicyReading | None) -> PolicyInHand:
    if reading is None:
        return PolicyInHand(None, NO_POLICY_PATH)
    return PolicyInHand(reading.policy, reading.problem or "")
