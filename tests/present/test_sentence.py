"""Every kind of audit event has a sentence that a person can read."""

from datetime import UTC, datetime
from itertools import product
from typing import Any

import pytest

from flagctl.domain.audit import AuditEvent
from flagctl.present.sentence import ASKED, DONE, sentence
from flagctl.vocabulary import Action, Door, Mode, Outcome

SAFE, STUB, REAL = Mode
NOON = datetime(2026, 5, 1, 12, 3, tzinfo=UTC)


def event(action: Action, outcome: Outcome = Outcome.ACCEPTED, **changes: Any) -> AuditEvent:
    words: dict[str, Any] = {
        "id": 1,
        "at": NOON,
        "actor": "os:alice",
        "claim": None,
        "source": Door.CLI,
        "action": action,
        "outcome": outcome,
        "revision": None,
        "flag_id": None,
        "mode_before": STUB,
        "mode_after": STUB,
        "reason": None,
        "detail": {},
        "prev_hash": "",
        "hash": "",
    }
    return AuditEvent(**{**words, **changes})


@pytest.mark.parametrize(("action", "outcome"), list(product(Action, Outcome)))
def test_every_action_with_every_outcome_reads_as_a_sentence(
    action: Action, outcome: Outcome
) -> None:
    text = sentence(event(action, outcome))
    assert text.startswith("alice (os:alice) ")
    assert len(text.split()) > 3
    assert "None" not in text
    assert "  " not in text


def test_every_action_has_words_of_its_own() -> None:
    assert set(DONE) == set(ASKED) == set(Action)
    for outcome in (Outcome.ACCEPTED, Outcome.REFUSED):
        told = {sentence(event(action, outcome, detail={"name": "x"})) for action in Action}
        assert len(told) == len(Action)


READS = {
    "a rollback": (
        event(
            Action.ROLL_BACK,
            revision=18,
            mode_before=REAL,
            reason="submit p99 over 30 s",
            detail={"expires_at": "2026-05-01T16:03:00+00:00", "incident": "INC-42"},
        ),
        f"alice (os:alice) rolled back {REAL} → {STUB} as revision 18, until 16:03 UTC: "
        "“submit p99 over 30 s” (INC-42)",
    ),
    "a rollback that only lowers a pinned process": (
        event(Action.ROLL_BACK, revision=2, reason="slow", detail={"mode_of_flag": STUB}),
        f"alice (os:alice) set a rollback at {STUB} ({STUB} is by flags as before) as revision 2: "
        "“slow”",
    ),
    "a claim": (
        event(Action.ROLL_BACK, mode_after=SAFE, actor="os:root", claim="bob", revision=1),
        f"root (os:root, says “bob”) rolled back {STUB} → {SAFE} as revision 1",
    ),
    "a refusal": (
        event(
            Action.CUT_OVER,
            Outcome.REFUSED,
            reason="ready",
            detail={"code": "precondition", "message": "a partition is down", "asked": REAL},
        ),
        f"alice (os:alice) asked to cut over to {REAL} and was refused (a partition is down): "
        "“ready”",
    ),
    "what was so already": (
        event(Action.ROLL_BACK, Outcome.ALREADY, reason="sure", detail={"asked": STUB}),
        f"alice (os:alice) asked to roll back to {STUB}; {STUB} is by flags already, nothing was "
        "changed: “sure”",
    ),
    "a cutover under a rollback": (
        event(
            Action.CUT_OVER,
            revision=3,
            detail={"mode_of_flag": REAL, "mode_of_flag_before": STUB},
        ),
        f"alice (os:alice) cut over {STUB} → {REAL} ({STUB} is by flags while the rollback lasts) "
        "as revision 3",
    ),
    "an end far away": (
        event(
            Action.EXTEND,
            revision=4,
            detail={"extensions": 2, "expires_at": "2026-05-02T09:00:00+00:00"},
        ),
        "alice (os:alice) extended the rollback (extension 2) as revision 4, until 2026-05-02 "
        "09:00 UTC",
    ),
    "a break-glass file": (
        event(
            Action.BREAK_GLASS,
            Outcome.SEEN,
            actor="break-glass",
            mode_after=SAFE,
            detail={"host": "node1", "file_owner": "bob"},
        ),
        f"break-glass saw a BREAK_GLASS file on node1, owned by bob (no proof); {SAFE} is by flags "
        "already",
    ),
    "a token": (
        event(
            Action.TOKEN_ISSUED,
            detail={"name": "ci", "tenant_id": "acme", "workspace_ids": '["w1","w2"]'},
        ),
        "alice (os:alice) issued the token “ci” for tenant acme, workspace w1, w2",
    ),
}


@pytest.mark.parametrize(("told", "text"), READS.values(), ids=READS.keys())
def test_a_sentence_tells_who_what_until_when_and_why(told: AuditEvent, text: str) -> None:
    assert sentence(told) == text
