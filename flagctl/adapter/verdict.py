"""What this process thinks of `real-policy`: for its own readiness, and for all others to read.

Its user and environment are those that would submit (architecture, decision 9).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from flagctl.adapter.policy_file import PolicyFile, PolicyReading
from flagctl.domain.parity import parity
from flagctl.domain.preflight import PolicyInHand, Sighting, Verdict, verdict
from flagctl.domain.readiness import Judgement

NO_POLICY_PATH: Final = (
    "ZPE_SLURM_POLICY_PATH is not set. Set it to the queue policy file and restart this process."
)
NOT_ASKED: Final = Sighting(
    why_not="Not asked: without a queue policy there is nothing to hold against the cluster."
)


@dataclass(frozen=True, slots=True, eq=False)
class _Taken:
    """A verdict, and what it was taken from."""

    reading: PolicyReading | None
    seen: Sighting
    verdict: Verdict


class LiveVerdict:
    """Takes the verdict of now; it is worked out anew only when policy or cluster were.

    Args:
        policy: the policy file of this process, if it has one.
        sighting: tells how the last look at the cluster went; `None` when this process has no
            connection to Slurm, because it has no policy.
        runbook: the link shown beside every dangerous act.

    """

    def __init__(
        self,
        policy: PolicyFile | None,
        sighting: Callable[[], Sighting] | None,
        runbook: str,
    ) -> None:
        self._policy = policy
        self._sighting = sighting
        self._runbook = runbook
        self._last: _Taken | None = None
        self._judged: tuple[_Taken, tuple[str, ...], Judgement] | None = None

    def __call__(self) -> Verdict:
        """Return the verdict; costs no I/O beyond a look at the policy file's `stat`."""
        return self._take().verdict

    def judgement(self, queues: Sequence[str]) -> Judgement:
        """Return the verdict, and how the mapped queues and these compare in both modes.

        For one thread; worked out anew only when something about it is new, and else the same
        object as before.
        """
        taken, names, last = self._take(), tuple(queues), self._judged
        if last is None or last[0] is not taken or last[1] != names:
            policy = _in_hand(taken.reading).policy
            judgement = Judgement(taken.verdict, parity(policy, taken.seen, names))
            last = self._judged = (taken, names, judgement)
        return last[2]

    def _take(self) -> _Taken:
        reading = self._policy.reading() if self._policy else None
        seen, last = self._seen(), self._last
        if last is not None and last.reading is reading and last.seen is seen:
            return last
        taken = _Taken(reading, seen, verdict(_in_hand(reading), seen, self._runbook))
        self._last = taken
        return taken

    def _seen(self) -> Sighting:
        return NOT_ASKED if self._sighting is None else self._sighting()


def _in_hand(reading: PolicyReading | None) -> PolicyInHand:
    if reading is None:
        return PolicyInHand(None, NO_POLICY_PATH)
    return PolicyInHand(reading.policy, reading.problem or "")
