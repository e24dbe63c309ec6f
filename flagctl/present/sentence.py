"""One sentence for every kind of audit event, however it ended."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

from flagctl.domain.audit import AuditEvent
from flagctl.domain.times import from_text
from flagctl.present.wording import clock, quoted, who
from flagctl.vocabulary import Action, Outcome

Phrase = Callable[[AuditEvent], str]


def sentence(event: AuditEvent) -> str:
    """Return what happened: who, what, as which revision, until when, why, and what refused it."""
    # A break-glass file acts for nobody proven; its owner is told with the file.
    claim = None if event.action is Action.BREAK_GLASS else event.claim
    actor = who(event.actor, claim)
    match event.outcome:
        case Outcome.ACCEPTED:
            return f"{actor} {DONE[event.action](event)}{_circumstances(event)}"
        case Outcome.ALREADY:
            return f"{actor} asked {ASKED[event.action](event)}; {_already(event)}{_words(event)}"
        case Outcome.REFUSED:
            refused = f"asked {ASKED[event.action](event)} and was refused"
            return f"{actor} {refused} ({_refusal(event)}){_words(event)}"
        case Outcome.SEEN:
            return f"{actor} saw {SEEN.get(event.action, _plain)(event)}"


def _circumstances(event: AuditEvent) -> str:
    revision = "" if event.revision is None else f" as revision {event.revision}"
    expires_at = _time(event, "expires_at")
    until = "" if expires_at is None else f", until {clock(expires_at, event.at)}"
    return f"{revision}{until}{_words(event)}"


def _words(event: AuditEvent) -> str:
    incident = _said(event, "incident")
    reason = f": {quoted(event.reason)}" if event.reason else ""
    return f"{reason} ({incident})" if incident else reason


def _already(event: AuditEvent) -> str:
    mode = f"{event.mode_after} is by flags" if event.mode_after else "it is so"
    return f"{mode} already, nothing was changed"


def _refusal(event: AuditEvent) -> str:
    return _said(event, "message") or _said(event, "code") or "no reason was recorded"


def _said(event: AuditEvent, key: str) -> str:
    value = event.detail.get(key)
    return "" if value is None else str(value)


def _time(event: AuditEvent, key: str) -> datetime | None:
    try:
        return from_text(_said(event, key))
    except ValueError:
        return None


def _step(before: str | None, after: str | None) -> str:
    if not after or before == after:
        return after or before or "the mode"
    return f"{before} → {after}" if before else after


def _modes(event: AuditEvent) -> str:
    return _step(event.mode_before, event.mode_after)


def _asked_mode(event: AuditEvent) -> str:
    asked = _said(event, "asked")
    return f" to {asked}" if asked else ""


def _rolled_back(event: AuditEvent) -> str:
    if event.mode_before is event.mode_after:
        mode = _said(event, "mode_of_flag") or event.mode_after
        return f"set a rollback at {mode} ({event.mode_after} is by flags as before)"
    return f"rolled back {_modes(event)}"


def _raised(event: AuditEvent) -> str:
    return f"raised the rollback {_modes(event)}"


def _ended(event: AuditEvent) -> str:
    link, why = _said(event, "follow_up"), _said(event, "no_follow_up")
    after = f" (follow-up {link})" if link else f" (no follow-up: {quoted(why)})" if why else ""
    return f"ended the rollback, {_modes(event)}{after},"


def _extended(event: AuditEvent) -> str:
    count = _said(event, "extensions")
    return f"extended the rollback{f' (extension {count})' if count else ''}"


def _handed_over(event: AuditEvent) -> str:
    before, owner = _said(event, "owner_before"), _said(event, "owner")
    return f"handed the flag over from {before or 'its owner'} to {owner or 'somebody'}"


def _cut_over(event: AuditEvent) -> str:
    step = _step(_said(event, "mode_of_flag_before"), _said(event, "mode_of_flag"))
    if _said(event, "mode_of_flag") in ("", event.mode_after or ""):
        return f"cut over {step}"
    return f"cut over {step} ({event.mode_after} is by flags while the rollback lasts)"


def _retired(event: AuditEvent) -> str:
    link = _said(event, "follow_up")
    return f"retired the cutover flag{f' (follow-up {link})' if link else ''}"


def _file(event: AuditEvent) -> str:
    owner = _said(event, "file_owner")
    by = f", owned by {owner} (no proof)" if owner else ""
    return f"a BREAK_GLASS file on {_said(event, 'host') or 'a host'}{by}"


def _took_over(event: AuditEvent) -> str:
    return f"made {_file(event)} a rollback, {_modes(event)},"


def _pin(event: AuditEvent) -> str:
    pin, host = _said(event, "pin") or "another mode", _said(event, "host")
    where = f"the {_said(event, 'role') or 'process'}{f' on {host}' if host else ''}"
    return f"that ZPE_SLURM_ADAPTER pins {where} to {pin}"


def _policy(event: AuditEvent) -> str:
    path, digest = _said(event, "path"), _said(event, "sha256")
    where = f" {path}" if path else ""
    return f"the queue policy file{where}{f' with SHA-256 {digest}' if digest else ''}"


def _restored(event: AuditEvent) -> str:
    origin = _said(event, "path") or _said(event, "backup")
    return f"restored a backup of the control database{f' from {origin}' if origin else ''}"


def _token(event: AuditEvent) -> str:
    return f"the token {quoted(_said(event, 'name'))}"


def _token_issued(event: AuditEvent) -> str:
    parts = [
        f"as {_said(event, 'role')} for the API" if _said(event, "role") else "",
        f"for tenant {_said(event, 'tenant_id')}" if _said(event, "tenant_id") else "",
        _listed(event, "workspace_ids", "workspace"),
        _listed(event, "management_node_ids", "node"),
        "in place of the one before" if _said(event, "replaces") else "",
    ]
    told = ", ".join(part for part in parts if part)
    return f"issued {_token(event)}{f' {told}' if told else ''}"


def _listed(event: AuditEvent, key: str, noun: str) -> str:
    try:
        names = json.loads(_said(event, key) or "null")
    except ValueError:
        names = None
    return f"{noun} {', '.join(map(str, names))}" if isinstance(names, list) and names else ""


def _person(event: AuditEvent) -> str:
    return _said(event, "name") or "somebody"


def _person_added(event: AuditEvent) -> str:
    again = " again" if _said(event, "again") else ""
    return f"let {_person(event)} in{again} as {_said(event, 'role')}"


def _person_changed(event: AuditEvent) -> str:
    name = _person(event)
    if _said(event, "disabled"):
        return f"disabled {name}"
    if _said(event, "role"):
        step = _step(_said(event, "role_before"), _said(event, "role"))
        return f"changed the role of {name}: {step}"
    if _said(event, "password"):
        return f"had the password of {name} {_said(event, 'password')}"
    return f"changed the profile of {name}"


def _acknowledged(event: AuditEvent) -> str:
    stage, flag, until = _said(event, "stage"), _said(event, "flag"), _time(event, "until")
    held = f", held until {clock(until, event.at)}" if until else ""
    what = f"the reminder {quoted(stage)} of flag {flag}{held}" if stage else ""
    failed = _said(event, "failed")
    seen = f"failed deliveries ({failed})" if failed else ""
    return f"acknowledged {' and '.join(part for part in (what, seen) if part) or 'a reminder'}"


def _follow_up(event: AuditEvent) -> str:
    link, flag = _said(event, "link"), _said(event, "flag")
    return f"the follow-up{f' {link}' if link else ''}{f' of flag {flag}' if flag else ''}"


def _glass_gone(event: AuditEvent) -> str:
    return f"that {_file(event)} is gone"


def _pin_gone(event: AuditEvent) -> str:
    return f"that {_pin(event).removeprefix('that ')} no more"


def _plain(event: AuditEvent) -> str:
    return f"{event.action}, {_modes(event)}"


DONE: Final[Mapping[Action, Phrase]] = MappingProxyType(
    {
        Action.ROLL_BACK: _rolled_back,
        Action.RAISE_ROLLBACK: _raised,
        Action.END_ROLLBACK: _ended,
        Action.EXTEND: _extended,
        Action.HAND_OVER: _handed_over,
        Action.CUT_OVER: _cut_over,
        Action.RETIRE: _retired,
        Action.BREAK_GLASS: _took_over,
        Action.PIN_SEEN: lambda event: f"recorded {_pin(event)}",
        Action.POLICY_SEEN: lambda event: f"recorded {_policy(event)}",
        Action.RESTORE: _restored,
        Action.TOKEN_ISSUED: _token_issued,
        Action.TOKEN_REVOKED: lambda event: f"revoked {_token(event)}",
        Action.PERSON_ADDED: _person_added,
        Action.PERSON_CHANGED: _person_changed,
        Action.LINK_ISSUED: lambda event: f"made a sign-in link for {_person(event)}",
        Action.ACKNOWLEDGE: _acknowledged,
        Action.CLOSE_FOLLOW_UP: lambda event: f"closed {_follow_up(event)}",
        Action.BREAK_GLASS_GONE: lambda event: f"recorded {_glass_gone(event)}",
        Action.PIN_GONE: lambda event: f"recorded {_pin_gone(event)}",
    }
)

ASKED: Final[Mapping[Action, Phrase]] = MappingProxyType(
    {
        Action.ROLL_BACK: lambda event: f"to roll back{_asked_mode(event)}",
        Action.RAISE_ROLLBACK: lambda event: f"to raise the rollback{_asked_mode(event)}",
        Action.END_ROLLBACK: lambda _event: "to end the rollback",
        Action.EXTEND: lambda _event: "to extend the rollback",
        Action.HAND_OVER: lambda _event: "to hand the flag over",
        Action.CUT_OVER: lambda event: f"to cut over{_asked_mode(event)}",
        Action.RETIRE: lambda _event: "to retire the cutover flag",
        Action.BREAK_GLASS: lambda event: f"to make {_file(event)} a rollback",
        Action.PIN_SEEN: lambda event: f"to record {_pin(event)}",
        Action.POLICY_SEEN: lambda event: f"to record {_policy(event)}",
        Action.RESTORE: lambda _event: "to restore a backup of the control database",
        Action.TOKEN_ISSUED: lambda event: f"to issue {_token(event)}",
        Action.TOKEN_REVOKED: lambda event: f"to revoke {_token(event)}",
        Action.PERSON_ADDED: lambda event: f"to let {_person(event)} in",
        Action.PERSON_CHANGED: lambda event: f"to change {_person(event)}",
        Action.LINK_ISSUED: lambda event: f"to make a sign-in link for {_person(event)}",
        Action.ACKNOWLEDGE: lambda _event: "to acknowledge a reminder",
        Action.CLOSE_FOLLOW_UP: lambda event: f"to close {_follow_up(event)}",
        Action.BREAK_GLASS_GONE: lambda event: f"to record {_glass_gone(event)}",
        Action.PIN_GONE: lambda event: f"to record {_pin_gone(event)}",
    }
)

SEEN: Final[Mapping[Action, Phrase]] = MappingProxyType(
    {
        Action.BREAK_GLASS: lambda event: f"{_file(event)}; {event.mode_after} is by flags already",
        Action.PIN_SEEN: _pin,
        Action.POLICY_SEEN: _policy,
        Action.BREAK_GLASS_GONE: _glass_gone,
        Action.PIN_GONE: _pin_gone,
    }
)
