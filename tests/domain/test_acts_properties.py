"""What holds for any sequence of acts."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from flagctl.domain.change import (
    Change,
    CutOver,
    EndRollback,
    Extend,
    HandOver,
    RaiseRollback,
    Retire,
    RollBack,
    TakeOverBreakGlass,
)
from flagctl.domain.decide import ACTIONS, decide
from flagctl.domain.decision import Decision
from flagctl.domain.effective import by_flags, in_force
from flagctl.domain.flag import EMPTY_STATE, ControlState, Flag
from flagctl.domain.gate import Facts, SlurmVerdict
from flagctl.errors import FlagctlError
from flagctl.vocabulary import Mode, Outcome
from tests.domain.samples import ADMIN, NOON, OPERATOR, maybe_modes, modes, states

HOUR = timedelta(hours=1)
verdicts = st.builds(
    SlurmVerdict, st.sampled_from([True, False, None]), st.just("…"), st.just(NOON)
)
facts = st.builds(Facts, st.lists(maybe_modes, max_size=3).map(tuple), verdicts, st.none() | modes)
kinds = st.sampled_from(sorted(ACTIONS, key=lambda kind: kind.__name__))


@st.composite
def changes(draw: st.DrawFn, revision: int) -> Change:
    """Any act, mostly with the revision that is current."""
    mode, given_revision = draw(modes), draw(st.sampled_from([revision, revision, None, 99]))
    later = NOON + HOUR
    acts: dict[type[Change], Change] = {
        RollBack: RollBack(mode, "slow", revision=given_revision),
        RaiseRollback: RaiseRollback(mode, "better", given_revision),
        EndRollback: EndRollback("mended", follow_up="x", revision=given_revision),
        Extend: Extend(later, "not yet", given_revision),
        HandOver: HandOver("eve", "end of shift", given_revision),
        CutOver: CutOver(mode, "ben", "the plan", later, given_revision),
        Retire: Retire("permanent", "x", given_revision),
        TakeOverBreakGlass: TakeOverBreakGlass(mode, "node1", "BREAK_GLASS", "root", NOON),
    }
    return acts[draw(kinds)]


def tried(at: ControlState, change: Change, known: Facts) -> Decision | None:
    try:
        return decide(at, change, ADMIN, known, NOON)
    except FlagctlError:
        return None


class Table:
    """The flags as the store keeps them: each has an id from when it is written."""

    def __init__(self) -> None:
        self.flags: dict[int, Flag] = {}

    def write(self, decision: Decision) -> ControlState:
        after = decision.after
        for flag in decision.writes:
            kept = replace(flag, id=flag.id or len(self.flags) + 1)
            self.flags[kept.id] = kept
            assert kept.revision == after.revision
            if flag == after.cutover:
                after = replace(after, cutover=kept)
            if flag == after.rollback:
                after = replace(after, rollback=kept)
        return after

    def active(self) -> set[Flag]:
        return {flag for flag in self.flags.values() if flag.is_active}


@given(st.data())
def test_the_revision_counts_the_accepted_acts_and_each_kind_has_one_active_flag(
    data: st.DataObject,
) -> None:
    at, table, accepted = EMPTY_STATE, Table(), 0
    for _ in range(12):
        decision = tried(at, data.draw(changes(at.revision)), data.draw(facts))
        if decision is None or decision.outcome is not Outcome.ACCEPTED:
            assert decision is None or decision.after == at
            continue
        accepted += 1
        at = table.write(decision)
        assert at.revision == accepted
        assert table.active() == set(at.flags)


@given(states, modes, facts, maybe_modes)
def test_a_rollback_and_a_break_glass_file_raise_nobody(
    at: ControlState, mode: Mode, known: Facts, pin: Mode | None
) -> None:
    file = TakeOverBreakGlass(mode, "node1", "BREAK_GLASS", "root", NOON)
    for change in (RollBack(mode, "slow"), file):
        after = decide(at, change, OPERATOR, known, NOON).after
        assert in_force(after, pin).rung <= in_force(at, pin).rung


@given(states, modes, facts)
def test_after_a_rollback_no_live_process_is_above_it(
    at: ControlState, mode: Mode, known: Facts
) -> None:
    after = decide(at, RollBack(mode, "slow"), OPERATOR, known, NOON).after
    assert by_flags(after).rung <= mode.rung
    assert all(in_force(after, pin).rung <= mode.rung for pin in known.pins)


@given(states, st.data(), facts)
def test_nobody_gets_the_highest_mode_without_a_yes(
    at: ControlState, data: st.DataObject, known: Facts
) -> None:
    decision = tried(at, data.draw(changes(at.revision)), known)
    if decision is None or known.verdict.holds:
        return
    for pin in known.pins or (None,):
        if in_force(decision.after, pin) is Mode.REAL_POLICY:
            assert in_force(at, pin) is Mode.REAL_POLICY


@given(states, st.data(), facts)
def test_an_act_that_raises_a_live_process_had_the_revision(
    at: ControlState, data: st.DataObject, known: Facts
) -> None:
    change = data.draw(changes(at.revision))
    decision = tried(at, change, known)
    if decision is None:
        return
    raised = any(
        in_force(decision.after, pin).rung > in_force(at, pin).rung for pin in (None, *known.pins)
    )
    assert not raised or getattr(change, "revision", None) == at.revision


@given(states, st.data(), facts)
def test_extensions_are_never_forgotten_while_a_rollback_lasts(
    at: ControlState, data: st.DataObject, known: Facts
) -> None:
    decision = tried(at, data.draw(changes(at.revision)), known)
    if decision and at.rollback and decision.after.rollback:
        assert decision.after.rollback.extensions >= at.rollback.extensions
        assert decision.after.rollback.first_started_at == at.rollback.first_started_at
