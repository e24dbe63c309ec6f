"""How long this machine runs: a time that no clock can jump over, the same in all its processes.

Claims and leases end by it. By the clock they would seem over after a jump, while their holder
works on.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import timedelta

from flagctl.store.claimer import boot_id


@dataclass(frozen=True, slots=True)
class Uptime:
    """How long has `passed` since the boot with that id, not counting what was slept."""

    boot: str
    passed: timedelta

    def later(self, span: timedelta) -> Uptime:
        """Return when this span is over."""
        return replace(self, passed=self.passed + span)

    @property
    def text(self) -> str:
        """Return it as text that sorts by time within a boot."""
        return f"{self.boot} {self.passed.total_seconds():018.6f}"


def uptime() -> Uptime:
    """Return how long the machine runs."""
    return Uptime(boot_id(), timedelta(seconds=time.monotonic()))


def ended_bounds(up: Uptime, longest: timedelta) -> dict[str, str]:
    """Return the parameters of `ended`; nothing lawfully lasts for more than `longest`."""
    return {"boot": f"{up.boot} ", "up": up.text, "up_limit": up.later(longest).text}


def ended(column: str) -> str:
    """Return the SQL that tells whether what is held until `column` is held no more.

    What was held under another boot died with it.
    """
    return (
        f"(substr({column}, 1, length(:boot)) <> :boot OR {column} <= :up OR {column} > :up_limit)"
    )
