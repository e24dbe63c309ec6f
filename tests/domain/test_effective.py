"""The mode rule: a rollback or a break-glass file can only lower (architecture, section 2)."""

import pytest
from hypothesis import given

from flagctl.domain.effective import by_flags, configured, effective, in_force, without_store
from flagctl.domain.flag import EMPTY_STATE, ControlState
from flagctl.vocabulary import BREAK_GLASS_MODES, Freshness, Mode, Source
from tests.domain.samples import maybe_modes, state, states

PASS, STUB, REAL = Mode


def test_with_nothing_said_the_stub_is_in_force() -> None:
    found = effective(EMPTY_STATE, pin=None, break_glass=None)
    assert (found.mode, found.configured, found.source) == (STUB, STUB, Source.DEFAULT)
    assert (found.freshness, found.revision) == (Freshness.FRESH, 0)
    assert by_flags(EMPTY_STATE) is STUB


@pytest.mark.parametrize(
    ("flags", "pin", "glass", "mode", "source"),
    [
        (state(cutover=REAL), None, None, REAL, Source.CUTOVER_FLAG),
        (state(cutover=PASS), None, None, PASS, Source.CUTOVER_FLAG),
        (state(cutover=REAL, rollback=STUB), None, None, STUB, Source.ROLLBACK_FLAG),
        (state(cutover=REAL, rollback=STUB), None, PASS, PASS, Source.BREAK_GLASS),
        (state(cutover=REAL, rollback=PASS), None, STUB, PASS, Source.ROLLBACK_FLAG),
        (state(cutover=REAL), STUB, None, STUB, Source.ENV),
        (state(cutover=STUB), REAL, None, REAL, Source.ENV),
        (state(rollback=STUB), REAL, None, STUB, Source.ROLLBACK_FLAG),
        (state(cutover=PASS, rollback=STUB), STUB, None, STUB, Source.ROLLBACK_FLAG),
        (state(cutover=PASS, rollback=STUB), None, None, PASS, Source.CUTOVER_FLAG),
        (state(rollback=REAL), None, None, STUB, Source.DEFAULT),
        (state(), PASS, STUB, PASS, Source.ENV),
        (state(), None, STUB, STUB, Source.BREAK_GLASS),
    ],
)
def test_the_first_that_decides_is_named(
    flags: ControlState, pin: Mode | None, glass: Mode | None, mode: Mode, source: Source
) -> None:
    found = effective(flags, pin=pin, break_glass=glass)
    assert (found.mode, found.source) == (mode, source)


@given(states, maybe_modes, maybe_modes)
def test_the_effective_mode_is_never_above_the_configured_one(
    flags: ControlState, pin: Mode | None, glass: Mode | None
) -> None:
    found = effective(flags, pin=pin, break_glass=glass)
    assert found.configured is configured(flags, pin)
    assert found.mode.rung <= found.configured.rung


@given(states, maybe_modes, maybe_modes)
def test_the_effective_mode_is_the_safest_of_all_that_is_said(
    flags: ControlState, pin: Mode | None, glass: Mode | None
) -> None:
    said = [configured(flags, pin), flags.rollback_mode, glass]
    expected = min(mode.rung for mode in said if mode is not None)
    assert effective(flags, pin=pin, break_glass=glass).mode.rung == expected
    assert in_force(flags, pin) is effective(flags, pin=pin, break_glass=None).mode


@given(maybe_modes, maybe_modes)
def test_real_policy_never_runs_on_ignorance(pin: Mode | None, glass: Mode | None) -> None:
    found = without_store(pin=pin, break_glass=glass)
    assert found.mode.rung <= STUB.rung
    assert (found.freshness, found.revision) == (Freshness.NO_STORE, None)
    assert found.configured is (pin or STUB)


def test_without_a_store_a_lower_pin_and_a_break_glass_file_still_count() -> None:
    assert without_store(pin=PASS, break_glass=None).source is Source.ENV
    assert without_store(pin=None, break_glass=PASS).source is Source.BREAK_GLASS
    assert without_store(pin=REAL, break_glass=None).source is Source.DEFAULT


def test_a_break_glass_file_can_not_ask_for_the_highest_mode() -> None:
    assert BREAK_GLASS_MODES == (PASS, STUB)
