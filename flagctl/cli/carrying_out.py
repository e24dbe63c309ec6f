"""Carrying an act out and telling what it came to, with the proof that was seen."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import datetime, timedelta

from flagctl.cli.desk import Desk, invoking_actor, now
from flagctl.cli.exits import DONE, NOT_FOLLOWING
from flagctl.cli.say import say, say_json
from flagctl.cli.watching import (
    break_glass_at,
    facts_at,
    heard_at,
    wait_for_followers,
)
from flagctl.domain import fields
from flagctl.domain.change import Change
from flagctl.domain.flag import ControlState, Flag
from flagctl.errors import StaleError
from flagctl.present.cleanup import what_remains
from flagctl.present.processes import details
from flagctl.present.receipt import Done, receipt_record, warnings_for
from flagctl.present.records import ReceiptRecord
from flagctl.present.sentence import sentence
from flagctl.store.audit_log import AuditFilter, committed_at, list_events
from flagctl.vocabulary import Action, Outcome

CHANGES_SHOWN = 5


def carry_out(
    desk: Desk, change: Change, claim: str | None, *, wait: str | None = None, as_json: bool
) -> int:
    """Do the act, tell what it came to, and with `wait` (a span) until who follows.

    Raises:
        FlagctlError: as the write path says; a stale act tells what changed meanwhile.

    """
    patience = None if wait is None else fields.duration(wait, "wait")
    actor = invoking_actor(claim)
    try:
        receipt = desk.store().apply(change, actor, facts_at(desk))
    except StaleError as error:
        _add_what_changed(desk, error)
        raise
    done = Done(receipt.event, receipt.state, receipt.flag, desk.settings.environment)
    if not as_json:
        say(sentence(done.event))
        # Whoever reads a pipe must not wait for the proof to learn that the act is done.
        sys.stdout.flush()
    record = _proven(desk, done, patience)
    if as_json:
        say_json(record)
    else:
        _tell(record)
    is_proof_missing = patience is not None and not (
        record.convergence and record.convergence.is_proven
    )
    return NOT_FOLLOWING if is_proof_missing else DONE


def _proven(desk: Desk, done: Done, patience: timedelta | None) -> ReceiptRecord:
    found = wait_for_followers(
        desk, done.state.revision, _committed_at(desk, done), patience or timedelta(0)
    )
    record = receipt_record(done, now(), found, _warnings(desk, done))
    if done.event.action is Action.RETIRE and done.flag is not None:
        return replace(record, next_steps=_clean_up(desk, done.flag, done.state))
    return record


def _clean_up(desk: Desk, retired: Flag, state: ControlState) -> tuple[str, ...]:
    from flagctl.store.follow_ups import read_follow_ups

    with desk.reading() as connection:
        follow_ups = read_follow_ups(connection)
    glass = break_glass_at(desk)
    return what_remains(retired, state, str(glass.path) if glass else None, follow_ups)


def _committed_at(desk: Desk, done: Done) -> datetime | None:
    revision = done.state.revision
    if done.event.revision == revision:
        return done.event.at
    with desk.reading() as connection:
        return committed_at(connection, revision)


def _warnings(desk: Desk, done: Done) -> tuple[str, ...]:
    if done.event.action is Action.RETIRE:
        return ()  # pinned is what every process is meant to be now
    glass, at = break_glass_at(desk), now()
    reports = heard_at(desk, at).reports
    return warnings_for(done.state, reports, glass.mode if glass else None, at)


def _tell(record: ReceiptRecord) -> None:
    if record.outcome is Outcome.ACCEPTED:
        until = f", expires {record.flag.expiry}" if record.flag and record.flag.is_active else ""
        say(f"By flags now: {record.by_flags}, revision {record.revision}{until}")
    if record.convergence:
        say(record.convergence.sentence)
        for line in details(record.convergence):
            say(f"  {line}")
    for warning in record.warnings:
        say(f"But: {warning}")
    for step in record.next_steps:
        say(step)
    if record.incident_line:
        say("For the incident channel:")
        say(record.incident_line)


def _add_what_changed(desk: Desk, error: StaleError) -> None:
    with desk.reading() as connection:
        newest = list_events(connection, AuditFilter(outcome=Outcome.ACCEPTED), limit=CHANGES_SHOWN)
        meanwhile = [event for event in newest if (event.revision or 0) > error.given]
    for event in reversed(meanwhile):
        error.add_note(f"{event.at:%Y-%m-%d %H:%M} UTC {sentence(event)}")
