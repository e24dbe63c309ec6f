"""An act upward is deliberate: it needs the revision that its author looked at."""

from __future__ import annotations

from collections.abc import Callable

import typer

from flagctl.cli.desk import Desk, invoking_actor, is_terminal, now
from flagctl.cli.watching import facts_at
from flagctl.domain.change import Change, CutOver
from flagctl.domain.cutover import is_upward
from flagctl.domain.decide import decide
from flagctl.domain.decision import Decision
from flagctl.domain.effective import by_flags
from flagctl.domain.flag import ControlState
from flagctl.errors import FlagctlError, RevisionRequiredError
from flagctl.present.wording import printable

Build = Callable[[int | None], Change]


def looked_at(desk: Desk, revision: int | None, build: Build) -> Change:
    """Return the change for the revision that its author looked at.

    On a terminal the author is shown before → after and asked; in a script the revision must be
    given, because nobody looks there.

    Raises:
        RevisionRequiredError: a script gave none; the message says the current one.
        typer.Abort: the author said no.

    """
    change = build(revision)
    if revision is not None:
        return change
    state = _state(desk)
    if isinstance(change, CutOver) and not is_upward(change, state):
        return change
    if not is_terminal():
        raise RevisionRequiredError(
            f"An act upward needs the revision you looked at. Now it is {state.revision}, with "
            f"{by_flags(state)} by flags: look with `flagctl status`, then run the same command "
            f"with --revision {state.revision}.",
            "revision",
        )
    change = build(state.revision)
    decision = _preview(desk, state, change)
    if decision is not None:
        _ask(decision)
    return change


def _state(desk: Desk) -> ControlState:
    from flagctl.store.reading import read_state

    with desk.reading() as connection:
        return read_state(connection)


def _preview(desk: Desk, state: ControlState, change: Change) -> Decision | None:
    """Return what the act would do; `None` when it will be refused, which the store records."""
    try:
        return decide(state, change, invoking_actor(), facts_at(desk), now())
    except FlagctlError:
        return None


def _ask(decision: Decision) -> None:
    before, after = by_flags(decision.before), by_flags(decision.after)
    step = f"{before} → {after}" if before is not after else f"{after} stays"
    question = f"{step} by flags, as of revision {decision.before.revision}. Do it?"
    typer.confirm(printable(question), abort=True, err=True)
