"""Setting the configured mode, and retiring the cutover flag (architecture, section 3)."""

from datetime import timedelta

import pytest

from flagctl.domain.change import Change, CutOver, Retire
from flagctl.domain.decide import decide
from flagctl.domain.decision import Decision
from flagctl.domain.flag import EMPTY_STATE, ControlState
from flagctl.domain.gate import Facts, SlurmVerdict
from flagctl.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    PreconditionError,
    RevisionRequiredError,
    StaleError,
)
from flagctl.vocabulary import Action, FlagKind, Mode
from tests.domain.samples import ADMIN, NOON, OPERATOR, state

PASS, STUB, REAL = Mode
MONTH = timedelta(days=30)
YES = SlurmVerdict(holds=True, detail="ok", taken_at=NOON)


def done(change: Change, at: ControlState, facts: Facts | None = None) -> Decision:
    return decide(at, change, ADMIN, facts or Facts(verdict=YES), NOON)


def cut_over(mode: Mode, revision: int | None = None) -> CutOver:
    return CutOver(mode, "ben", "the plan", NOON + MONTH, revision)


class TestCutOver:
    def test_it_makes_a_cutover_flag(self) -> None:
        found = done(cut_over(REAL, 0), EMPTY_STATE)
        assert found.flag
        assert (found.flag.kind, found.flag.mode) == (FlagKind.CUTOVER, REAL)
        assert (found.flag.owner, found.flag.expires_at) == ("ben", NOON + MONTH)
        assert (found.action, found.after.revision) == (Action.CUT_OVER, 1)
        assert (found.detail["mode_of_flag_before"], found.detail["mode_of_flag"]) == (STUB, REAL)

    def test_it_supersedes_the_flag_before(self) -> None:
        found = done(cut_over(STUB), state(cutover=REAL))
        assert found.replaced
        assert (found.replaced.mode, found.replaced.ended_at) == (REAL, NOON)
        assert found.after.cutover == found.flag

    def test_upward_needs_an_administrator_downward_an_operator(self) -> None:
        with pytest.raises(ForbiddenError, match="this needs admin"):
            decide(EMPTY_STATE, cut_over(REAL, 0), OPERATOR, Facts(verdict=YES), NOON)
        for at in (EMPTY_STATE, state(cutover=REAL)):
            found = decide(at, cut_over(PASS), OPERATOR, Facts(), NOON)
            assert found.after.cutover_mode is PASS

    def test_upward_needs_the_current_revision(self) -> None:
        with pytest.raises(RevisionRequiredError):
            done(cut_over(REAL), EMPTY_STATE)
        with pytest.raises(StaleError):
            done(cut_over(REAL, 6), state(cutover=STUB))

    def test_upward_needs_preconditions_that_hold_now(self) -> None:
        with pytest.raises(PreconditionError):
            done(cut_over(REAL, 0), EMPTY_STATE, Facts())

    def test_under_a_rollback_the_gate_looks_at_the_mode_of_the_flag_itself(self) -> None:
        lowered = state(STUB, PASS)
        with pytest.raises(PreconditionError):
            done(cut_over(REAL, 7), lowered, Facts())
        found = done(cut_over(REAL, 7), lowered)
        assert (found.after.cutover_mode, found.after.rollback) == (REAL, lowered.rollback)

    def test_the_same_mode_again_needs_no_gate(self) -> None:
        assert done(cut_over(REAL), state(cutover=REAL), Facts()).after.cutover_mode is REAL

    def test_from_the_lowest_to_the_stub_is_upward_without_a_gate(self) -> None:
        with pytest.raises(RevisionRequiredError):
            done(cut_over(STUB), state(cutover=PASS))
        assert done(cut_over(STUB, 7), state(cutover=PASS), Facts()).after.cutover_mode is STUB

    @pytest.mark.parametrize("span", [timedelta(0), timedelta(days=91)])
    def test_an_expiry_in_the_past_or_beyond_ninety_days_is_refused(self, span: timedelta) -> None:
        with pytest.raises(InvalidError, match="expires is"):
            done(CutOver(STUB, "ben", "the plan", NOON + span), EMPTY_STATE)


class TestRetire:
    change = Retire("it is permanent", "https://example.org/7", revision=7)

    def test_it_ends_the_flag_once_every_live_process_is_pinned_to_its_mode(self) -> None:
        found = done(self.change, state(cutover=REAL), Facts((REAL, REAL)))
        assert found.flag
        assert (found.flag.ended_at, found.flag.follow_up) == (NOON, self.change.follow_up)
        assert found.after == ControlState(8)

    def test_a_rollback_stays(self) -> None:
        at = state(REAL, STUB)
        assert done(self.change, at, Facts((REAL,))).after == ControlState(8, None, at.rollback)

    @pytest.mark.parametrize("pins", [(), (None,), (REAL, None), (REAL, STUB)])
    def test_one_that_is_not_or_nobody_at_all_is_in_the_way(
        self, pins: tuple[Mode | None, ...]
    ) -> None:
        with pytest.raises(ConflictError, match="not every live process is pinned"):
            done(self.change, state(cutover=REAL), Facts(pins))

    def test_one_that_nobody_knows_of_is_in_the_way(self) -> None:
        with pytest.raises(ConflictError, match="not every live process is pinned"):
            done(self.change, state(cutover=REAL), Facts((REAL,), are_pins_known=False))

    def test_it_needs_an_administrator_the_revision_and_a_flag(self) -> None:
        with pytest.raises(ForbiddenError):
            decide(state(cutover=REAL), self.change, OPERATOR, Facts((REAL,)), NOON)
        with pytest.raises(RevisionRequiredError):
            done(Retire("done", "x"), state(cutover=REAL), Facts((REAL,)))
        with pytest.raises(ConflictError, match="no active cutover flag to retire"):
            done(self.change, state(rollback=STUB))
