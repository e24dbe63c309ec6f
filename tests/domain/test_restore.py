"""A restore never raises anybody and never uses a revision twice (architecture, decision 7)."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from flagctl.domain.effective import LastKnown, by_flags, in_force
from flagctl.domain.flag import ControlState
from flagctl.domain.restore import Held, held_by, held_unread, lower_of, restored
from flagctl.vocabulary import Action, Mode, Outcome
from tests.domain.samples import ADMIN, NOON, maybe_modes, modes, state, states
from tests.reports import report


def after(backup: ControlState, held: Held) -> ControlState:
    decision = restored(backup, held, ADMIN, NOON, "a restore", {"sha256": "…"})
    assert (decision.action, decision.outcome) == (Action.RESTORE, Outcome.ACCEPTED)
    assert decision.detail["sha256"] == "…"
    return decision.after


@given(states, states, maybe_modes)
def test_no_process_rises_whatever_its_environment_pins(
    backup: ControlState, live: ControlState, pin: Mode | None
) -> None:
    found = after(backup, held_by(live))
    assert in_force(found, pin).rung <= in_force(live, pin).rung
    assert in_force(found, pin).rung <= in_force(backup, pin).rung


@given(states, states)
def test_the_revision_is_the_next_above_both(backup: ControlState, live: ControlState) -> None:
    assert after(backup, held_by(live)).revision == max(backup.revision, live.revision) + 1


@given(states, states)
def test_what_is_by_flags_then_is_the_lower_of_the_two(
    backup: ControlState, live: ControlState
) -> None:
    lower = min(by_flags(backup).rung, by_flags(live).rung)
    assert by_flags(after(backup, held_by(live))).rung == lower


@given(states)
def test_a_backup_that_raises_nobody_comes_back_as_it_is(backup: ControlState) -> None:
    found = after(backup, held_by(backup))
    assert (found.cutover, found.rollback) == (backup.cutover, backup.rollback)


def test_the_added_rollback_supersedes_a_higher_one_of_the_backup() -> None:
    backup = state(Mode.REAL_POLICY, Mode.STUB_POLICY, extensions=2, incident="INC-42")
    decision = restored(
        backup, held_by(state(None, Mode.PASSTHROUGH)), ADMIN, NOON, "a restore", {}
    )
    assert decision.flag
    assert decision.replaced
    assert (decision.flag.mode, decision.flag.owner) == (Mode.PASSTHROUGH, ADMIN.name)
    assert (decision.flag.extensions, decision.flag.incident) == (2, "INC-42")
    assert decision.flag.expires_at == NOON + timedelta(hours=4)
    assert decision.replaced.ended_at == NOON


@given(st.lists(st.tuples(modes, st.booleans(), st.none() | st.integers(0, 99)), max_size=4))
def test_flags_that_nobody_can_read_count_as_the_lowest_that_lives_and_the_safe_default(
    heard: list[tuple[Mode, bool, int | None]],
) -> None:
    reports = [
        report(
            str(number),
            mode=mode,
            revision=revision,
            heard_at=NOON if lives else NOON - timedelta(hours=1),
        )
        for number, (mode, lives, revision) in enumerate(heard)
    ]
    held = held_unread(reports, NOON)
    living = [mode.rung for mode, lives, _ in heard if lives]
    assert held.mode.rung == min([Mode.STUB_POLICY.rung, *living])
    assert held.rollback is held.mode
    assert held.revision == max((number or 0 for _, _, number in heard), default=0)


def test_what_was_known_last_counts_too() -> None:
    held = held_unread((), NOON, LastKnown(41, Mode.REAL_POLICY, Mode.PASSTHROUGH))
    assert held == Held(Mode.PASSTHROUGH, Mode.PASSTHROUGH, 41)
    held = held_unread((), NOON, LastKnown(41, Mode.PASSTHROUGH, None))
    assert held == Held(Mode.PASSTHROUGH, Mode.PASSTHROUGH, 41)


@given(states, states)
def test_what_satisfies_two_holds_is_at_most_either(one: ControlState, two: ControlState) -> None:
    both = lower_of(held_by(one), held_by(two))
    for pin in (None, *Mode):
        found = in_force(after(state(Mode.REAL_POLICY), both), pin)
        assert found.rung <= min(in_force(one, pin).rung, in_force(two, pin).rung)
