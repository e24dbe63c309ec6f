"""The upward gate: `real-policy` comes into force on a positive and fresh verdict only."""

from datetime import timedelta

import pytest

from flagctl.domain.gate import UNKNOWN_VERDICT, Facts, SlurmVerdict, require_preconditions
from flagctl.errors import PreconditionError
from flagctl.vocabulary import Mode
from tests.domain.samples import NOON, state

PASS, STUB, REAL = Mode
YES = SlurmVerdict(holds=True, detail="all probes are ok", taken_at=NOON)
NO = SlurmVerdict(holds=False, detail="partition long is DRAIN", taken_at=NOON)
LOWERED, RAISED = state(REAL, STUB), state(REAL)


def test_a_fresh_yes_opens_it() -> None:
    require_preconditions(LOWERED, RAISED, Facts(verdict=YES), NOON)
    require_preconditions(LOWERED, RAISED, Facts(verdict=YES), NOON + timedelta(seconds=15))


@pytest.mark.parametrize(
    ("verdict", "why"),
    [
        (NO, "a precondition does not hold: partition long is DRAIN"),
        (SlurmVerdict(holds=False, detail="no policy"), "a precondition does not hold: no policy"),
        (UNKNOWN_VERDICT, "its preconditions are unknown"),
        (SlurmVerdict(holds=True, detail="no time", taken_at=None), "unknown: no time"),
    ],
)
def test_no_and_nobody_knows_keep_it_shut(verdict: SlurmVerdict, why: str) -> None:
    with pytest.raises(PreconditionError, match=why):
        require_preconditions(LOWERED, RAISED, Facts(verdict=verdict), NOON)


@pytest.mark.parametrize("age_s", [15.001, 3600, -15.001, -3600])
def test_a_verdict_of_another_time_keeps_it_shut(age_s: float) -> None:
    with pytest.raises(PreconditionError, match="too old"):
        require_preconditions(LOWERED, RAISED, Facts(verdict=YES), NOON + timedelta(seconds=age_s))


@pytest.mark.parametrize("pins", [(STUB,), (PASS, STUB)])
def test_it_is_not_asked_when_no_live_process_would_get_the_highest_mode(
    pins: tuple[Mode, ...],
) -> None:
    require_preconditions(LOWERED, RAISED, Facts(pins), NOON)


@pytest.mark.parametrize("pins", [(), (None,), (REAL,), (STUB, None), (STUB, REAL)])
def test_one_live_process_that_would_get_it_is_enough_and_nobody_counts_as_one(
    pins: tuple[Mode | None, ...],
) -> None:
    with pytest.raises(PreconditionError):
        require_preconditions(LOWERED, RAISED, Facts(pins), NOON)


@pytest.mark.parametrize("pins", [(), (STUB,)])
def test_where_pins_are_unknown_somebody_may_get_it(pins: tuple[Mode, ...]) -> None:
    unknown = Facts(pins, are_pins_known=False)
    for before, after in ((LOWERED, RAISED), (state(rollback=PASS), state(revision=8))):
        with pytest.raises(PreconditionError):
            require_preconditions(before, after, unknown, NOON)


def test_it_is_not_asked_about_what_is_in_force_already() -> None:
    require_preconditions(RAISED, state(REAL, revision=8), Facts(), NOON)
