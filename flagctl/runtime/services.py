"""What the runtime's endpoints work with; wired once for each process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from flagctl.dispatch.ports import Dispatchers
from flagctl.domain.effective import EffectiveMode
from flagctl.runtime.in_flight import InFlight
from flagctl.runtime.metrics import Metrics
from flagctl.runtime.probes import Probe
from flagctl.runtime.settle import Settler
from flagctl.runtime.submit import Submissions
from flagctl.store.mode_reader import ModeReader
from flagctl.store.submissions import SubmissionStore


class Watching(Protocol):
    """Reports what this process follows, on a thread of its own."""

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def note(self, used: EffectiveMode) -> None:
        """Hear what a request has just used; must cost no I/O."""


class Background(Protocol):
    """Works beside the requests from the first to the last of them."""

    def start(self) -> None: ...

    def stop(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything of one process. `retention` is how long a submission is remembered."""

    reader: ModeReader
    store: SubmissionStore
    dispatchers: Dispatchers
    submissions: Submissions
    in_flight: InFlight
    metrics: Metrics
    probes: tuple[Probe, ...]
    clock: Callable[[], datetime]
    retention: timedelta
    watching: tuple[Watching, ...] = ()
    background: tuple[Background, ...] = ()
    settler: Settler | None = None
