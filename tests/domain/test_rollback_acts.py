"""Rolling back and what follows it: each row of the table of acts (architecture, section 3)."""

from datetime import timedelta

import pytest

from flagctl.domain.change import (
    Change,
    EndRollback,
    Extend,
    HandOver,
    RaiseRollback,
    RollBack,
    TakeOverBreakGlass,
)
from flagctl.domain.decide import decide
from flagctl.domain.decision import NEW_FLAG_ID, Decision
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
from flagctl.vocabulary import Action, FlagKind, Mode, Outcome
from tests.domain.samples import NOON, OPERATOR, VIEWER, flag, state

PASS, STUB, REAL = Mode
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
YES = SlurmVerdict(holds=True, detail="ok", taken_at=NOON)
REARMED = state(cutover=REAL)
ROLLED_BACK = state(REAL, STUB, rolled_back_from=REAL, extensions=2, incident="INC-42")


def done(change: Change, at: ControlState, facts: Facts | None = None) -> Decision:
    return decide(at, change, OPERATOR, facts or Facts(verdict=YES), NOON)


class TestRollBack:
    def test_it_makes_a_rollback_flag_of_four_hours_owned_by_the_actor(self) -> None:
        found = done(RollBack(STUB, "slow"), REARMED)
        made = found.flag
        assert made
        assert (found.action, found.outcome) == (Action.ROLL_BACK, Outcome.ACCEPTED)
        assert (made.id, made.kind, made.mode) == (NEW_FLAG_ID, FlagKind.ROLLBACK, STUB)
        assert (made.owner, made.started_by) == (OPERATOR.name, OPERATOR.name)
        assert (made.started_at, made.first_started_at, made.expires_at) == (
            NOON, NOON, NOON + 4 * HOUR,
        )  # fmt: skip
        assert (made.rolled_back_from, made.extensions, made.revision) == (REAL, 0, 8)
        assert found.after == ControlState(8, REARMED.cutover, made)
        assert found.replaced is None

    def test_with_pins_unknown_it_is_already_done_by_a_rollback_flag_only(self) -> None:
        unknown = Facts(verdict=YES, are_pins_known=False)
        for at in (EMPTY_STATE, REARMED):
            assert done(RollBack(STUB, "slow"), at, unknown).outcome is Outcome.ACCEPTED
        assert done(RollBack(STUB, "slow"), ROLLED_BACK, unknown).outcome is Outcome.ALREADY
        assert done(RollBack(PASS, "slow"), ROLLED_BACK, unknown).outcome is Outcome.ACCEPTED

    def test_owner_expiry_and_incident_are_taken_as_given(self) -> None:
        change = RollBack(PASS, "slow", NOON + 7 * DAY, "eve", "INC-42", revision=7)
        made = done(change, REARMED).flag
        assert made
        assert (made.owner, made.expires_at, made.incident) == ("eve", NOON + 7 * DAY, "INC-42")

    def test_it_needs_no_revision_no_verdict_and_no_live_process(self) -> None:
        assert done(RollBack(PASS, "slow"), EMPTY_STATE, Facts()).outcome is Outcome.ACCEPTED

    @pytest.mark.parametrize(
        ("mode", "at"),
        [(STUB, EMPTY_STATE), (REAL, EMPTY_STATE), (STUB, ROLLED_BACK), (REAL, REARMED),
         (PASS, state(cutover=PASS))],
    )  # fmt: skip
    def test_a_mode_that_lowers_nobody_is_answered_already(
        self, mode: Mode, at: ControlState
    ) -> None:
        found = done(RollBack(mode, "slow"), at)
        assert (found.outcome, found.after) == (Outcome.ALREADY, at)
        assert found.flag == at.rollback

    def test_a_process_that_is_pinned_higher_is_lowered(self) -> None:
        pinned = Facts((None, REAL))
        found = done(RollBack(STUB, "pinned"), EMPTY_STATE, pinned)
        assert found.outcome is Outcome.ACCEPTED
        assert done(RollBack(STUB, "again"), found.after, pinned).outcome is Outcome.ALREADY
        assert done(RollBack(REAL, "up"), EMPTY_STATE, pinned).outcome is Outcome.ALREADY

    def test_a_lower_one_supersedes_and_keeps_first_start_count_and_incident(self) -> None:
        before = NOON - 3 * HOUR
        at = state(
            REAL, STUB, first_started_at=before, extensions=2, incident="INC-42",
            rolled_back_from=REAL,
        )  # fmt: skip
        found = done(RollBack(PASS, "worse"), at)
        assert found.flag
        assert found.replaced
        assert (found.flag.first_started_at, found.flag.extensions) == (before, 2)
        assert (found.flag.incident, found.flag.rolled_back_from) == ("INC-42", REAL)
        assert (found.replaced.id, found.replaced.ended_at) == (2, NOON)
        assert (found.replaced.ended_by, found.replaced.end_reason) == (OPERATOR.name, "worse")
        assert found.writes == (found.replaced, found.flag)

    @pytest.mark.parametrize("expires_at", [NOON, NOON - HOUR, NOON + 7 * DAY + HOUR])
    def test_an_expiry_in_the_past_or_beyond_seven_days_is_refused(
        self, expires_at: object
    ) -> None:
        with pytest.raises(InvalidError, match="expires is"):
            done(RollBack(PASS, "slow", expires_at), REARMED)  # type: ignore[arg-type]

    def test_a_stale_revision_is_refused_when_one_is_given(self) -> None:
        with pytest.raises(StaleError) as caught:
            done(RollBack(PASS, "slow", revision=6), REARMED)
        assert (caught.value.given, caught.value.current) == (6, 7)

    def test_a_viewer_may_not(self) -> None:
        with pytest.raises(ForbiddenError, match="person:eve is viewer; this needs operator"):
            decide(REARMED, RollBack(PASS, "slow"), VIEWER, Facts(), NOON)


class TestRaiseRollback:
    at = state(REAL, PASS, owner="eve", expires_at=NOON - HOUR, extensions=3)

    def test_it_supersedes_and_keeps_owner_expiry_and_count(self) -> None:
        found = done(RaiseRollback(STUB, "better", revision=7), self.at, Facts())
        assert found.flag
        assert found.replaced
        assert (found.flag.mode, found.flag.owner) == (STUB, "eve")
        assert (found.flag.expires_at, found.flag.extensions) == (NOON - HOUR, 3)
        assert (found.action, found.replaced.id) == (Action.RAISE_ROLLBACK, 2)

    def test_it_works_for_a_process_that_is_pinned_higher_than_the_flags(self) -> None:
        found = done(RaiseRollback(STUB, "better", revision=7), state(None, PASS), Facts((REAL,)))
        assert found.after.rollback_mode is STUB

    @pytest.mark.parametrize("mode", [PASS, REAL])
    def test_a_mode_that_is_not_between_the_two_is_refused(self, mode: Mode) -> None:
        with pytest.raises(InvalidError, match="a mode between the two"):
            done(RaiseRollback(mode, "better", revision=7), self.at)

    def test_it_needs_the_current_revision(self) -> None:
        with pytest.raises(RevisionRequiredError, match="Now it is 7"):
            done(RaiseRollback(STUB, "better"), self.at)
        with pytest.raises(StaleError):
            done(RaiseRollback(STUB, "better", revision=6), self.at)

    def test_without_a_rollback_there_is_nothing_to_raise(self) -> None:
        with pytest.raises(ConflictError, match="no active rollback to raise"):
            done(RaiseRollback(STUB, "better", revision=7), REARMED)

    def test_a_lower_break_glass_file_is_in_the_way(self) -> None:
        with pytest.raises(ConflictError, match="Remove the file first"):
            done(RaiseRollback(STUB, "better", revision=7), self.at, Facts(break_glass=PASS))


class TestEndRollback:
    change = EndRollback("mended", follow_up="https://example.org/7", revision=7)

    def test_it_ends_the_flag_with_reason_and_follow_up(self) -> None:
        found = done(self.change, ROLLED_BACK)
        assert found.flag
        assert (found.flag.ended_at, found.flag.ended_by) == (NOON, OPERATOR.name)
        assert (found.flag.end_reason, found.flag.follow_up) == ("mended", self.change.follow_up)
        assert found.after == ControlState(8, ROLLED_BACK.cutover)

    def test_why_no_follow_up_is_needed_serves_as_well_but_not_both_or_none(self) -> None:
        found = done(EndRollback("mended", no_follow_up="a drill", revision=7), ROLLED_BACK).flag
        assert found
        assert found.no_follow_up == "a drill"
        for wrong in ({}, {"follow_up": "x", "no_follow_up": "y"}):
            with pytest.raises(InvalidError, match="one of the two"):
                EndRollback("mended", revision=7, **wrong)

    def test_it_needs_the_current_revision(self) -> None:
        with pytest.raises(RevisionRequiredError):
            done(EndRollback("mended", follow_up="x"), ROLLED_BACK)
        with pytest.raises(StaleError, match="You looked at revision 6, but now it is 7"):
            done(EndRollback("mended", follow_up="x", revision=6), ROLLED_BACK)

    def test_the_gate_refuses_when_a_live_process_would_get_the_highest_mode(self) -> None:
        for pins in ((), (None,), (REAL,)):
            with pytest.raises(PreconditionError, match="There is no override"):
                done(self.change, ROLLED_BACK, Facts(pins))

    def test_the_gate_is_not_asked_when_nobody_would(self) -> None:
        assert done(self.change, ROLLED_BACK, Facts((STUB,))).outcome is Outcome.ACCEPTED
        assert done(self.change, state(STUB, PASS), Facts()).outcome is Outcome.ACCEPTED

    def test_without_a_rollback_there_is_nothing_to_end(self) -> None:
        with pytest.raises(ConflictError, match="no active rollback to end"):
            done(self.change, REARMED)

    def test_a_break_glass_file_that_would_start_it_again_is_in_the_way(self) -> None:
        with pytest.raises(ConflictError, match="Remove the file first"):
            done(self.change, ROLLED_BACK, Facts(verdict=YES, break_glass=STUB))
        covered = Facts(verdict=YES, break_glass=STUB)
        assert done(self.change, state(STUB, PASS), covered).outcome is Outcome.ACCEPTED


class TestExtend:
    def test_it_counts_from_now_and_is_counted_also_when_expired(self) -> None:
        at = state(REAL, STUB, expires_at=NOON - HOUR, extensions=2)
        found = done(Extend(NOON + DAY, "not yet"), at)
        assert found.flag
        assert (found.flag.expires_at, found.flag.extensions, found.flag.id) == (NOON + DAY, 3, 2)
        assert found.detail["extensions"] == 3
        assert found.replaced is None

    def test_more_than_a_day_at_a_time_is_refused(self) -> None:
        with pytest.raises(InvalidError, match="at most 1 d from now"):
            done(Extend(NOON + DAY + HOUR, "not yet"), ROLLED_BACK)

    def test_without_a_rollback_there_is_nothing_to_extend(self) -> None:
        with pytest.raises(ConflictError, match="no active rollback to extend"):
            done(Extend(NOON + HOUR, "not yet"), REARMED)


class TestHandOver:
    def test_the_rollback_gets_the_owner_and_keeps_its_expiry(self) -> None:
        found = done(HandOver(" eve ", "end of shift"), ROLLED_BACK)
        assert found.flag
        assert ROLLED_BACK.rollback
        assert (found.flag.owner, found.flag.expires_at) == ("eve", ROLLED_BACK.rollback.expires_at)
        assert found.detail == {"owner": "eve", "owner_before": "anna"}
        assert found.after.cutover == ROLLED_BACK.cutover

    def test_without_a_rollback_it_is_the_cutover_flag(self) -> None:
        found = done(HandOver("eve", "new team"), REARMED)
        assert found.flag
        assert (found.flag.kind, found.flag.owner) == (FlagKind.CUTOVER, "eve")

    def test_without_any_flag_there_is_nothing_to_hand_over(self) -> None:
        with pytest.raises(ConflictError, match="no active flag to hand over"):
            done(HandOver("eve", "new team"), EMPTY_STATE)


class TestTakeOverBreakGlass:
    change = TakeOverBreakGlass(PASS, "node1", "var/BREAK_GLASS", "root", NOON)

    def test_the_file_becomes_a_rollback_of_its_owner(self) -> None:
        found = done(self.change, REARMED, Facts())
        assert found.flag
        assert (found.action, found.outcome) == (Action.BREAK_GLASS, Outcome.ACCEPTED)
        assert (found.flag.mode, found.flag.owner) == (PASS, "root")
        assert found.flag.expires_at == NOON + 4 * HOUR
        assert found.detail.items() >= self.change.detail.items()

    def test_a_file_that_lowers_nobody_is_only_seen(self) -> None:
        found = done(self.change, state(REAL, PASS), Facts())
        assert (found.outcome, found.flag) == (Outcome.SEEN, None)
        assert found.detail == self.change.detail

    def test_a_process_that_is_pinned_higher_makes_it_a_rollback_too(self) -> None:
        found = done(self.change, state(cutover=PASS), Facts((STUB,)))
        assert found.outcome is Outcome.ACCEPTED


def test_an_expired_rollback_still_counts() -> None:
    expired = flag(FlagKind.ROLLBACK, STUB, expires_at=NOON)
    assert expired.is_expired(NOON)
    assert expired.is_active
