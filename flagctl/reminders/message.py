"""What a reminder says: everything that somebody woken at 3 a.m. needs, the gist first."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from flagctl.domain.access import short_name
from flagctl.domain.audit import AuditEvent
from flagctl.domain.delivery import Reminder
from flagctl.domain.effective import by_flags
from flagctl.domain.flag import ControlState, Flag
from flagctl.domain.process import Convergence
from flagctl.domain.reminder_words import ReminderKind
from flagctl.present.processes import convergence_record, count_of
from flagctl.present.receipt import RECEIPT_ACTIONS, Done, incident_line
from flagctl.present.sentence import sentence
from flagctl.present.wording import ago, clock, plural, printable, quoted, until
from flagctl.reminders.post import Message
from flagctl.vocabulary import Action, FlagKind


@dataclass(frozen=True, slots=True)
class Subject:
    """What a reminder is about, all of one moment. `event` is the one that it tells of."""

    reminder: Reminder
    state: ControlState
    flag: Flag | None
    event: AuditEvent | None
    head_hash: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where the message comes from: the environment's name, and its admin pages."""

    environment: str
    public_url: str


def compose(
    subject: Subject, follow: Convergence, place: Place, now: datetime, note: str | None = None
) -> Message:
    """Return the message as of now, so that what is told late is told with its true age."""
    gist, story = _told(subject, follow, place, now)
    lines = [
        *story,
        f"By flags: {by_flags(subject.state)}, revision {subject.state.revision}; "
        f"{convergence_record(follow, now).sentence}.",
        _in_force(follow),
        note or "",
        f"Look: {_link(subject, place)}",
        f"Reminder {subject.reminder.id}, audit head {subject.head_hash}",
    ]
    title = f"[{place.environment}] {gist}"
    return Message(printable(title), "\n".join(printable(line) for line in lines if line))


def _in_force(follow: Convergence) -> str:
    modes = Counter(report.mode for report in (*follow.following, *follow.behind))
    told = ", ".join(
        f"{mode} in {plural(count, 'process', 'processes')}"
        for mode, count in sorted(modes.items())
    )
    return f"In force: {told}." if told else ""


def _told(
    subject: Subject, follow: Convergence, place: Place, now: datetime
) -> tuple[str, list[str]]:
    reminder, flag, event = subject.reminder, subject.flag, subject.event
    if reminder.kind is ReminderKind.LAGGING:
        return _lagging(reminder, now)
    if reminder.kind is ReminderKind.EVENT and event is not None:
        return _happened(event, subject, follow, place, now)
    if flag is not None:
        return _overdue(flag, subject, follow, place, now)
    if event is not None:
        return _pinned(event, now)
    return "a reminder whose flag can't be found", ["See the audit trail."]


def _overdue(
    flag: Flag, subject: Subject, follow: Convergence, place: Place, now: datetime
) -> tuple[str, list[str]]:
    noun = "Rollback" if flag.kind is FlagKind.ROLLBACK else "Cutover flag"
    verb = "expired" if flag.is_expired(now) else "expires"
    gist = f"{noun} at {flag.mode} {verb} {until(flag.expires_at, now)}, owner {_owner(flag)}"
    missed = subject.reminder.missed
    return gist, [
        f"{gist} ({clock(flag.expires_at, now)}). {_extended(flag)}",
        _stays(flag, now),
        f"This stands for {plural(missed, 'earlier reminder')} that could not be sent."
        if missed
        else "",
        *_why(flag, now),
        *_acts(flag),
        f"For the incident channel: {_standing_line(flag, subject.state, follow, place, now)}",
    ]


def _stays(flag: Flag, now: datetime) -> str:
    if not flag.is_expired(now):
        return "When it expires the mode stays; you are reminded until somebody acts."
    return "The mode stays until somebody acts; an expiry never changes it."


def _extended(flag: Flag) -> str:
    return f"Extended {plural(flag.extensions, 'time')}." if flag.extensions else "Never extended."


def _why(flag: Flag, now: datetime) -> list[str]:
    came_from = flag.rolled_back_from
    origin = f", rolled back from {came_from}" if came_from and came_from is not flag.mode else ""
    incident = f", {flag.incident}" if flag.incident else ""
    started = flag.first_started_at
    return [
        f"Flag {flag.id}: {flag.mode}{origin}, by {short_name(flag.started_by)} "
        f"{ago(started, now)} ({clock(started, now)}): {quoted(flag.reason)}{incident}.",
    ]


def _acts(flag: Flag) -> list[str]:
    hand_over = "  flagctl handover --owner WHO --reason TEXT"
    if flag.kind is FlagKind.CUTOVER:
        return [
            "Do one of these:",
            f"  flagctl cutover {flag.mode} --expires 30d --owner WHO --reason TEXT",
            hand_over,
            "  flagctl retire --reason TEXT --follow-up URL",
        ]
    return [
        "Do one of these:",
        "  flagctl end --reason TEXT (--follow-up URL | --no-follow-up WHY)",
        "  flagctl extend --expires 2h --reason TEXT",
        hand_over,
    ]


def _standing_line(
    flag: Flag, state: ControlState, follow: Convergence, place: Place, now: datetime
) -> str:
    """Return a line to paste, in the form of the one that follows an act (ui, rule 10)."""
    came_from = flag.rolled_back_from
    step = f"{came_from} → {flag.mode}" if came_from not in (None, flag.mode) else str(flag.mode)
    verb = "expired" if flag.is_expired(now) else "until"
    parts = [
        f"{step} by {short_name(flag.started_by)}",
        flag.incident or "",
        f"rev {state.revision}",
        count_of(convergence_record(follow, now)),
        f"owner {_owner(flag)}",
        f"{verb} {clock(flag.expires_at, now).removesuffix(' UTC')}",
    ]
    told = ", ".join(part for part in parts if part)
    return f"{clock(now, now)} {place.environment} still {told}"


def _happened(
    event: AuditEvent, subject: Subject, follow: Convergence, place: Place, now: datetime
) -> tuple[str, list[str]]:
    flag = subject.flag
    story = [f"{clock(event.at, now)} ({ago(event.at, now)}): {sentence(event)}."]
    if flag is not None and flag.is_active:
        story.append(f"Owner {_owner(flag)}, {_until(flag, now)}. {_extended(flag)}")
    done = Done(event, subject.state, flag, place.environment)
    # Who follows now follows the newest revision, which may be another one than the event's.
    proof = convergence_record(follow, now) if event.revision == subject.state.revision else None
    line = incident_line(done, proof) if event.action in RECEIPT_ACTIONS else None
    if line:
        story.append(f"For the incident channel: {line}")
    return _headline(event), story


def _headline(event: AuditEvent) -> str:
    before, after, who = event.mode_before, event.mode_after, short_name(event.actor)
    is_flip = before is not after and event.revision is not None
    if is_flip and event.action is not Action.RESTORE:
        return f"{before} → {after} by {who}"
    if event.action is Action.HAND_OVER:
        return f"{event.detail.get('owner')} answers for a flag now, handed over by {who}"
    if event.action is Action.EXTEND:
        return f"Rollback extended by {who}, {event.detail.get('extensions')} times by now"
    return sentence(event)


def _pinned(event: AuditEvent, now: datetime) -> tuple[str, list[str]]:
    pin, host = event.detail.get("pin"), event.detail.get("host")
    gist = f"ZPE_SLURM_ADAPTER={pin} lowers processes on {host}, and nobody owns that"
    return gist, [
        f"{gist}. First seen {ago(event.at, now)} ({clock(event.at, now)}).",
        "Unset it where the service is configured and restart the service; or make it a rollback "
        f"with an owner: flagctl rollback {pin} --reason TEXT --expires 4h",
    ]


def _lagging(reminder: Reminder, now: datetime) -> tuple[str, list[str]]:
    told = reminder.detail
    gist = f"pid {told.get('pid')} on {told.get('host')} does not follow"
    return f"{gist} revision {told.get('revision')}", [
        f"{gist} revision {told.get('revision')}, committed {ago(reminder.at, now)} "
        f"({clock(reminder.at, now)}). It last used revision {told.get('used')} in mode "
        f"{told.get('mode')}.",
        "Look at its log; restart it if it hangs. Until then it may still work in its old mode.",
    ]


def _owner(flag: Flag) -> str:
    return short_name(flag.owner)


def _until(flag: Flag, now: datetime) -> str:
    verb = "expired" if flag.is_expired(now) else "expires"
    return f"{verb} {until(flag.expires_at, now)} ({clock(flag.expires_at, now)})"


def _link(subject: Subject, place: Place) -> str:
    return f"{place.public_url}/flags/{subject.flag.id}" if subject.flag else place.public_url


def trouble_message(trouble: str, host: str, since: str, place: Place) -> Message:
    """Return what is told when the control store can't be read at all."""
    return Message(
        printable(f"[{place.environment}] the control store on {host} can't be read"),
        "\n".join(
            [
                f"For {since} now. {printable(trouble)}",
                "Running processes keep the mode that they last read; a restart would start at "
                "the safe one. Flips by web and command line do not work meanwhile.",
                "To make it safe now: touch BREAK_GLASS in the data directory of that host.",
                "Then: flagctl doctor, on that host.",
            ]
        ),
    )


def trial_message(place: Place, who: str, now: datetime) -> Message:
    """Return what `flagctl reminders test` sends."""
    return Message(
        f"[{place.environment}] a test of flagctl's reminders",
        f"{clock(now, now)}: {who} tries whether reminders reach this address. Nothing is wrong.\n"
        f"Look: {place.public_url}/reminders",
    )
