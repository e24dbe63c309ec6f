"""The status: what to do next, and what a break-glass file does now."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from flagctl.domain.effective import effective
from flagctl.domain.flag import ControlState
from flagctl.domain.process import FOLLOWS_WITHIN, Heard
from flagctl.present.status import Sight, status_record
from flagctl.vocabulary import Mode
from tests.reports import NOON, report

SAFE, STUB, REAL = Mode
SECOND = timedelta(seconds=1)


def steps(committed_at: datetime | None, **changes: Any) -> str:
    state = ControlState(18)
    words = {"started_at": NOON - timedelta(hours=1), "heard_at": NOON, "revision": 17, **changes}
    sight = Sight(
        "production",
        state,
        effective(state, pin=None, break_glass=None),
        heard=Heard([report("a", **words)]),
        committed_at=committed_at,
    )
    return "\n".join(status_record(sight, NOON).next_steps)


@pytest.mark.parametrize("ago", [0.4 * SECOND, FOLLOWS_WITHIN])
def test_whoever_had_less_than_10_s_to_follow_is_to_be_waited_for(ago: timedelta) -> None:
    text = steps(NOON - ago)
    assert (
        "did not tell yet that it follows revision 18: an idle process tells it within 2 s" in text
    )
    assert "look at its log" not in text


def test_whoever_had_more_than_10_s_to_follow_is_to_be_looked_at() -> None:
    late = NOON - FOLLOWS_WITHIN - SECOND
    text = steps(late)
    assert "does not follow revision 18: look at its log, restart it if it hangs." in text
    assert text == steps(None)
    assert "look at its log" not in steps(late, started_at=NOON - SECOND)
