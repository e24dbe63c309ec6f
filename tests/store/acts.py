"""Who acts in the tests of the store, what they ask, and what they know."""

from datetime import UTC, datetime, timedelta

from flagctl.domain.audit import AuditEvent
from flagctl.domain.change import Actor, CutOver, EndRollback, RollBack
from flagctl.domain.gate import Facts, SlurmVerdict
from flagctl.store.audit_log import AuditFilter, list_events
from flagctl.store.files import DataFiles
from flagctl.store.reading import reading
from flagctl.store.uptime import Uptime
from flagctl.store.writing import ControlStore, Receipt
from flagctl.vocabulary import Door, Mode, Role

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
ANNA = Actor("os:anna", Role.ADMIN, Door.CLI)


class MovedClock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = NOON
        self.passed = timedelta(days=1)
        self.boot = "a-boot"

    def __call__(self) -> datetime:
        return self.now

    def forward(self, span: timedelta) -> None:
        """Let time pass, or set the clock back."""
        self.now += span
        self.passed += max(span, timedelta(0))

    def jump(self, span: timedelta) -> None:
        """Set the clock while no time passes."""
        self.now += span

    def uptime(self) -> Uptime:
        return Uptime(self.boot, self.passed)


def facts(*pins: Mode | None, break_glass: Mode | None = None) -> Facts:
    """What is known when the preconditions hold and these processes live."""
    verdict = SlurmVerdict(holds=True, detail="seven probes are ok", taken_at=NOON)
    return Facts(pins, verdict, break_glass)


def roll_back(store: ControlStore, mode: Mode = Mode.PASSTHROUGH, why: str = "slow") -> Receipt:
    return store.apply(RollBack(mode, why), ANNA, facts())


def end_rollback(store: ControlStore, revision: int) -> Receipt:
    return store.apply(
        EndRollback("mended", no_follow_up="all is well", revision=revision), ANNA, facts()
    )


def cut_over(store: ControlStore, mode: Mode, revision: int) -> Receipt:
    change = CutOver(mode, "ben", "the plan", NOON + timedelta(days=30), revision)
    return store.apply(change, ANNA, facts())


def events(files: DataFiles, wanted: AuditFilter | None = None) -> list[AuditEvent]:
    """The events in the trail, the newest first."""
    with reading(files) as connection:
        return list(list_events(connection, wanted or AuditFilter()))
