"""The status: what to do next, and what a break-glass file does now."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from flagctl.domain.effective import effective
from flagctl.domain.flag import ControlState, Flag
from flagctl.domain.process import FOLLOWS_WITHIN, Heard
from flagctl.present.status import Sight, break_glass_record, status_record
from flagctl.vocabulary import Mode
from tests.present.test_receipt import rollback as rollback_flag
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


def glass_sentence(mode: Mode, rollback: Flag | None) -> str:
    return break_glass_record(
        mode=mode,
        host="node1",
        path="/data/BREAK_GLASS",
        file_owner="carol",
        modified_at=NOON,
        rollback=rollback,
        now=NOON,
    ).sentence


@pytest.mark.parametrize(("glass", "kept"), [(SAFE, SAFE), (STUB, STUB), (STUB, SAFE)])
def test_a_break_glass_file_may_go_once_a_rollback_flag_keeps_the_mode(
    glass: Mode, kept: Mode
) -> None:
    text = glass_sentence(glass, rollback_flag(mode=kept))
    assert f"It lowers nobody now: rollback flag 3 keeps {kept}, so the file may be" in text
    assert "lowers every process" not in text


@pytest.mark.parametrize("flag", [None, rollback_flag(mode=STUB)])
def test_a_break_glass_file_below_every_rollback_flag_lowers_every_process(
    flag: Flag | None,
) -> None:
    text = glass_sentence(SAFE, flag)
    assert f"lowers every process on node1 to {SAFE}" in text
    assert "Remove it when a rollback flag has taken over" in text
