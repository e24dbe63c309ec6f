"""What pages, the JSON API and `--json` show: frozen records, each field with its meaning.

Times are aware and in UTC. A name here is a key of the JSON, so it is never renamed lightly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from flagctl.domain.audit import Detail
from flagctl.vocabulary import (
    Action,
    Door,
    FlagKind,
    Freshness,
    Mode,
    Outcome,
    Part,
    Source,
)


@dataclass(frozen=True, slots=True)
class EffectiveRecord:
    """What a process gets, and why."""

    mode: Mode
    """The mode in force."""
    configured: Mode
    """What its environment or the cutover flag asks for, before anything lowers it."""
    source: Source
    """What decides the mode."""
    freshness: Freshness
    """Where the flags behind it came from."""
    revision: int | None
    """The revision of those flags; `None` when the store was never read."""


@dataclass(frozen=True, slots=True)
class FlagRecord:
    """A flag with its whole life."""

    id: int
    """The flag's number, which never changes."""
    kind: FlagKind
    """Whether it sets the configured mode or lowers it."""
    mode: Mode
    """The flag's own mode."""
    owner: str
    """Who answers for it until it ends."""
    reason: str
    """Why it was set, in the words of whoever set it."""
    incident: str | None
    """A link or a ticket's name."""
    started_by: str
    """Who set it, as proven: `os:alice`."""
    started_at: datetime
    """When it was set."""
    first_started_at: datetime
    """When the rollback began, also when this flag superseded another one."""
    expires_at: datetime
    """When somebody must have looked at it; the mode does not change by itself then."""
    expiry: str
    """The same for a person: `in 3 h 22 min (16:03 UTC)`."""
    is_expired: bool
    """Whether it counts although its time is over."""
    is_active: bool
    """Whether it counts."""
    extensions: int
    """How often it was given more time."""
    rolled_back_from: Mode | None
    """What was by flags before the rollback began."""
    revision: int
    """The revision of its last accepted change."""
    ended_at: datetime | None
    """When it ended."""
    ended_by: str | None
    """Who ended it."""
    end_reason: str | None
    """Why it ended."""
    follow_up: str | None
    """What is to be done after it, as a link or a ticket's name."""
    no_follow_up: str | None
    """Why nothing is to be done after it."""
    superseded_by: int | None
    """The flag that took its place."""


@dataclass(frozen=True, slots=True)
class ProcessRecord:
    """What an adapter process last said of itself."""

    id: str
    """New with each start, so that a restart is another process."""
    host: str
    """The host's name."""
    pid: int
    """The process's number on that host."""
    role: Part
    """What it is part of."""
    version: str
    """Its version of flagctl."""
    started_at: datetime
    """When it started."""
    heard_at: datetime
    """When it was last heard of."""
    last_heard: str
    """The same for a person: `0.6 s ago`."""
    is_live: bool
    """Whether it was heard of lately enough to count."""
    follows: bool
    """Whether it has used the revision that it is measured by, or a later one."""
    followed_at: datetime | None
    """When it did so first; `None` while it does not, and when that is no longer on record."""
    pin: Mode | None
    """What its environment pins."""
    in_force: EffectiveRecord
    """What is in force in it."""
    in_flight: Mapping[Mode, int]
    """Its submissions not yet answered, under the mode that they began with."""


@dataclass(frozen=True, slots=True)
class ConvergenceRecord:
    """How many of the processes heard of on this host follow a revision."""

    revision: int
    """The revision that they are to follow."""
    live: int
    """How many processes count."""
    following: int
    """How many of those have used it."""
    is_proven: bool
    """Whether all follow; nothing is proven with no process heard of, or when there may be more."""
    behind: tuple[ProcessRecord, ...]
    """Live processes that have not used it."""
    silent: tuple[ProcessRecord, ...]
    """Processes not heard of for 10 s."""
    finishing: Mapping[Mode, int]
    """Submissions still in flight in another mode than their process has now."""
    took_s: float | None
    """Seconds from the commit to when the last process followed, as each wrote down itself; `None`
    as long as one is behind or there may be more, and when one no longer knows."""
    gap: str | None
    """Why there may be more processes than these; `None` when these are all."""
    sentence: str
    """The same for a person."""


@dataclass(frozen=True, slots=True)
class BreakGlassRecord:
    """The BREAK_GLASS file, as seen in the data directory."""

    mode: Mode
    """What it lowers every process of the host to."""
    host: str
    """The host on which it was seen."""
    path: str
    """Where it lies."""
    file_owner: str
    """The user that owns the file; no proof of who made it."""
    modified_at: datetime
    """When it was last written."""
    sentence: str
    """The same for a person, with what to do."""


@dataclass(frozen=True, slots=True)
class StatusRecord:
    """What is in force, who said so, until when, and who follows."""

    environment: str
    """The name of this environment: `production`."""
    at: datetime
    """The time of the answer."""
    headline: str
    """The mode by flags and why, in one sentence."""
    by_flags: Mode
    """The mode by flags: one fact for the whole store."""
    effective: EffectiveRecord
    """What a process with the asking one's environment would get."""
    pin: Mode | None
    """What the asking environment pins."""
    revision: int
    """The store's newest revision."""
    flags: tuple[FlagRecord, ...]
    """The active flags, the rollback first."""
    processes: tuple[ProcessRecord, ...]
    """The adapter processes heard of within a day."""
    convergence: ConvergenceRecord
    """Who follows the newest revision."""
    may_miss_processes: bool
    """Whether there may be processes that are not shown, because runtime.db can't be read or has no
    record of one that lives."""
    break_glass: BreakGlassRecord | None
    """The BREAK_GLASS file, when there is one."""
    next_steps: tuple[str, ...]
    """What to do now, each with its command."""


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """One event of the trail."""

    id: int
    """Its place in the trail, from 1, without gaps."""
    at: datetime
    """When it was written."""
    sentence: str
    """The event for a person."""
    actor: str
    """Who acted, as proven: `os:alice`, `person:alice`, `token:ci`."""
    claim: str | None
    """Who the actor says to be."""
    source: Door
    """By which way the act came."""
    action: Action
    """What was asked or seen."""
    outcome: Outcome
    """How it ended."""
    revision: int | None
    """The revision that an accepted change to the flags got."""
    flag_id: int | None
    """The flag it is about."""
    mode_before: Mode | None
    """The mode by flags before."""
    mode_after: Mode | None
    """The mode by flags after."""
    reason: str | None
    """Why, in the actor's words."""
    detail: Detail
    """What else belongs to this kind of event."""
    prev_hash: str
    """The hash of the event before it."""
    hash: str
    """The SHA-256 of this event, which the next one names."""


@dataclass(frozen=True, slots=True)
class ReceiptRecord:
    """What an act came to, after its commit."""

    action: Action
    """What was asked."""
    outcome: Outcome
    """Whether it was done, or was so already."""
    sentence: str
    """What happened, for a person."""
    before: Mode
    """The mode by flags before."""
    by_flags: Mode
    """The mode by flags now."""
    revision: int
    """The store's revision now."""
    at: datetime
    """When it was committed."""
    flag: FlagRecord | None
    """The flag as it is now."""
    event_id: int
    """The act's event in the audit trail."""
    event_hash: str
    """That event's hash."""
    incident_line: str | None
    """A line for the incident channel; `None` when nothing was changed."""
    convergence: ConvergenceRecord | None
    """Who follows; `None` when nobody looked."""
    warnings: tuple[str, ...]
    """What makes the act without effect somewhere, and how to remove that."""
    next_steps: tuple[str, ...]
    """What to do next, each with its command."""
