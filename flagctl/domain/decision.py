"""What an act comes to, and the parts that all acts share."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from flagctl.domain.audit import Detail
from flagctl.domain.change import Actor
from flagctl.domain.flag import ControlState, Flag
from flagctl.domain.gate import Facts, require_preconditions
from flagctl.errors import ForbiddenError, RevisionRequiredError, StaleError
from flagctl.vocabulary import Action, FlagKind, Outcome, Role

NEW_FLAG_ID: Final = 0
"""The id of a flag that the store has not written yet."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be written. `after` is the state that results; `replaced` is superseded."""

    action: Action
    outcome: Outcome
    before: ControlState
    after: ControlState
    flag: Flag | None = None
    replaced: Flag | None = None
    detail: Detail = field(default_factory=dict)

    @property
    def writes(self) -> tuple[Flag, ...]:
        """Return the flags as they are to be written, a superseded one first."""
        return tuple(flag for flag in (self.replaced, self.flag) if flag)


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything a decision is taken from."""

    state: ControlState
    actor: Actor
    facts: Facts
    now: datetime

    @property
    def next_revision(self) -> int:
        """Return the revision that an accepted change gets."""
        # Also of flags that were lost: what some process has used stands for something else.
        return max(self.state.revision, self.facts.newest_revision) + 1


def with_flag(at: Situation, flag: Flag) -> ControlState:
    """Return the state after the change, with `flag` as the active one of its kind."""
    after = replace(at.state, revision=at.next_revision)
    if flag.kind is FlagKind.ROLLBACK:
        return replace(after, rollback=flag)
    return replace(after, cutover=flag)


def accepted(
    action: Action,
    at: Situation,
    after: ControlState,
    flag: Flag,
    *,
    replaced: Flag | None = None,
    detail: Detail,
) -> Decision:
    """Return the decision for a change that is to be written."""
    return Decision(action, Outcome.ACCEPTED, at.state, after, flag, replaced, detail)


def ended(
    flag: Flag,
    at: Situation,
    reason: str,
    follow_up: str | None = None,
    no_follow_up: str | None = None,
) -> Flag:
    """Return the flag as it is once ended, by the actor and now."""
    return replace(
        flag,
        ended_at=at.now,
        ended_by=at.actor.name,
        end_reason=reason,
        follow_up=follow_up,
        no_follow_up=no_follow_up,
        revision=at.next_revision,
    )


def gated(decision: Decision, at: Situation) -> Decision:
    """Return the decision if the upward gate lets it pass."""
    require_preconditions(decision.before, decision.after, at.facts, at.now)
    return decision


def require_role(actor: Actor, role: Role) -> None:
    """Raise `ForbiddenError` unless the actor has at least `role`."""
    if not actor.role.includes(role):
        raise ForbiddenError(
            f"{actor.name} is {actor.role}; this needs {role}. Ask an administrator."
        )


def require_current_revision(given: int | None, state: ControlState, *, upward: bool) -> None:
    """Hold an act to the revision its author looked at; toward safe may come without one."""
    if given is None and upward:
        raise RevisionRequiredError(
            f"An act upward needs the revision you looked at. Now it is {state.revision}: look at "
            "what is in force, then give it.",
            "revision",
        )
    if given is not None and given != state.revision:
        raise StaleError(
            f"You looked at revision {given}, but now it is {state.revision}: somebody changed "
            "something meanwhile. Nothing was changed by you. Look again and decide again.",
            given=given,
            current=state.revision,
        )
