"""An act is locked when it would change something, were it not for a pin or a break-glass file."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from flagctl.domain.flag import ControlState, Flag
from flagctl.domain.gate import Facts
from flagctl.domain.lock import lock_on
from flagctl.vocabulary import FlagKind, Mode, Source

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
LOW, MIDDLE, HIGH = Mode.PASSTHROUGH, Mode.STUB_POLICY, Mode.REAL_POLICY


def flag(kind: FlagKind, mode: Mode) -> Flag:
    return Flag(
        id=1,
        kind=kind,
        mode=mode,
        owner="bob",
        reason="r",
        incident=None,
        started_by="bob",
        started_at=NOON,
        first_started_at=NOON,
        expires_at=NOON + timedelta(hours=4),
        extensions=0,
        rolled_back_from=None,
        revision=1,
    )


AT_HIGH = ControlState(1, cutover=flag(FlagKind.CUTOVER, HIGH))
AT_MIDDLE = replace(AT_HIGH, rollback=flag(FlagKind.ROLLBACK, MIDDLE))
AT_LOW = replace(AT_HIGH, rollback=flag(FlagKind.ROLLBACK, LOW))


@pytest.mark.parametrize(
    ("before", "after", "facts", "lock"),
    [
        (AT_HIGH, AT_MIDDLE, Facts(), None),
        (AT_HIGH, AT_MIDDLE, Facts(pins=(MIDDLE,)), Source.ENV),
        (AT_HIGH, AT_MIDDLE, Facts(pins=(MIDDLE, None)), None),
        (AT_HIGH, AT_LOW, Facts(pins=(MIDDLE,)), None),
        (AT_HIGH, AT_MIDDLE, Facts(break_glass=LOW), Source.BREAK_GLASS),
        (AT_HIGH, AT_LOW, Facts(break_glass=MIDDLE), None),
        (AT_HIGH, AT_MIDDLE, Facts(pins=(MIDDLE,), break_glass=LOW), Source.ENV),
        (AT_LOW, AT_HIGH, Facts(pins=(LOW,)), Source.ENV),
        (AT_HIGH, AT_HIGH, Facts(break_glass=LOW), None),
    ],
)
def test_a_lock_names_what_keeps_the_change_from_every_live_process(
    before: ControlState, after: ControlState, facts: Facts, lock: Source | None
) -> None:
    assert lock_on(before, after, facts) is lock
