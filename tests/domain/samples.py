"""Flags and states for the tests of the mode rule and the acts; made by hand or by hypothesis."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from flagctl.domain.change import Actor
from flagctl.domain.flag import ControlState, Flag
from flagctl.vocabulary import Door, FlagKind, Mode, Role

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
ADMIN = Actor("os:anna", Role.ADMIN, Door.CLI)
OPERATOR = Actor("os:ben", Role.OPERATOR, Door.WEB)
VIEWER = Actor("person:eve", Role.VIEWER, Door.API)


def flag(kind: FlagKind, mode: Mode, **changes: Any) -> Flag:
    words: dict[str, Any] = {
        "id": 1 if kind is FlagKind.CUTOVER else 2,
        "kind": kind,
        "mode": mode,
        "owner": "anna",
        "reason": "a test",
        "incident": None,
        "started_by": "os:anna",
        "started_at": NOON,
        "first_started_at": NOON,
        "expires_at": NOON + timedelta(hours=4),
        "extensions": 0,
        "rolled_back_from": None,
        "revision": 1,
    }
    return Flag(**{**words, **changes})


def state(
    cutover: Mode | None = None, rollback: Mode | None = None, revision: int = 7, **changes: Any
) -> ControlState:
    """The state with these flags; `changes` are of the rollback flag."""
    return ControlState(
        revision,
        cutover=flag(FlagKind.CUTOVER, cutover) if cutover else None,
        rollback=flag(FlagKind.ROLLBACK, rollback, **changes) if rollback else None,
    )


modes = st.sampled_from(Mode)
maybe_modes = st.none() | modes
states = st.builds(state, maybe_modes, maybe_modes, st.integers(0, 99))
