"""The words of the product: each value, its label, its tone and its help text, in one place.

Pages, API, CLI, metrics and logs all take their words from here (architecture, decision 15).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Tone(StrEnum):
    """How a word looks, beside the word itself; never the only carrier of a meaning."""

    CALM = "calm"
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"


class Mode(StrEnum):
    """The adapter modes of `slurm-adapter-boundary/v1`, safest first."""

    PASSTHROUGH = "passthrough"
    STUB_POLICY = "stub-policy"
    REAL_POLICY = "real-policy"

    @property
    def rung(self) -> int:
        """Return the place on the ladder: 0 is the safest."""
        return LADDER.index(self)


LADDER: Final = tuple(Mode)
DEFAULT_MODE: Final = Mode.STUB_POLICY
"""What a process is configured for when neither its environment nor a cutover flag says."""

EMERGENCY_MODE: Final = Mode.PASSTHROUGH
"""What a break-glass file means when its content is not a mode that it may ask for."""

BREAK_GLASS_MODES: Final = (Mode.PASSTHROUGH, Mode.STUB_POLICY)

CONTRACT_VERSION: Final = "slurm-adapter-boundary/v1"


def safest(first: Mode, *others: Mode | None) -> Mode:
    """Return the lowest rung among the given modes; `None` stands for "says nothing"."""
    return min((first, *(mode for mode in others if mode is not None)), key=LADDER.index)


class FlagKind(StrEnum):
    """A cutover flag sets the configured mode, a rollback flag lowers it."""

    CUTOVER = "cutover"
    ROLLBACK = "rollback"


class Source(StrEnum):
    """What decides the effective mode, in the order in which they are asked."""

    BREAK_GLASS = "break-glass"
    ROLLBACK_FLAG = "rollback-flag"
    ENV = "env"
    CUTOVER_FLAG = "cutover-flag"
    DEFAULT = "default"


class Freshness(StrEnum):
    """Where the flags behind an effective mode came from."""

    FRESH = "fresh"
    LAST_KNOWN_GOOD = "last-known-good"
    NO_STORE = "no-store"


class ModeSignal(StrEnum):
    """What tells a process that flags were committed."""

    AUTO = "auto"
    """The fast one where it can be relied on, else the plain one."""
    PLAIN = "plain"
    FAST = "fast"


class Door(StrEnum):
    """The way by which an act reached the store (the `source` of an audit event)."""

    WEB = "web"
    API = "api"
    CLI = "cli"
    RUNTIME = "runtime"


class Part(StrEnum):
    """What an adapter process is part of."""

    RUNTIME = "runtime"
    EMBEDDED = "embedded"


class Role(StrEnum):
    """What a person or an API token may do, least first."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"

    def includes(self, other: Role) -> bool:
        """Tell whether this role may do what `other` may do."""
        order = tuple(Role)
        return order.index(self) >= order.index(other)


class Action(StrEnum):
    """What an audit event tells of."""

    ROLL_BACK = "rollback"
    RAISE_ROLLBACK = "raise"
    END_ROLLBACK = "end"
    EXTEND = "extend"
    HAND_OVER = "handover"
    CUT_OVER = "cutover"
    RETIRE = "retire"
    BREAK_GLASS = "break-glass"
    PIN_SEEN = "pin-seen"
    POLICY_SEEN = "policy-seen"
    RESTORE = "restore"
    TOKEN_ISSUED = "token-issued"  # noqa: S105 - an action's name, not a secret
    TOKEN_REVOKED = "token-revoked"  # noqa: S105 - an action's name, not a secret
    PERSON_ADDED = "person-added"
    PERSON_CHANGED = "person-changed"
    LINK_ISSUED = "link-issued"
    ACKNOWLEDGE = "acknowledge"
    CLOSE_FOLLOW_UP = "follow-up-closed"
    BREAK_GLASS_GONE = "break-glass-gone"
    PIN_GONE = "pin-gone"


class Outcome(StrEnum):
    """How an act ended, or that the event is only something that was seen."""

    ACCEPTED = "accepted"
    ALREADY = "already"
    REFUSED = "refused"
    SEEN = "seen"


class ResolutionOutcome(StrEnum):
    """How one resolution of a queue ended, in logs and metrics."""

    RESOLVED = "resolved"
    DENIED = "denied"
    MISCONFIGURED = "misconfigured"
    PRECONDITION = "precondition"
    UNAVAILABLE = "unavailable"

    @property
    def is_error(self) -> bool:
        """Tell whether somebody must mend something; a denied queue is what the policy is for."""
        return self not in (ResolutionOutcome.RESOLVED, ResolutionOutcome.DENIED)


class SubmissionState(StrEnum):
    """How far a submission is. Claimed by nobody alive, it is in doubt until it is retried."""

    CLAIMED = "claimed"
    UNSENT = "unsent"
    ACCEPTED = "accepted"


class DispatcherName(StrEnum):
    """Who takes a submission; it stays with the one that it began with."""

    SPOOL = "spool"
    HANDOFF = "handoff"
    SLURM = "slurm"


class ProbeStatus(StrEnum):
    """The state of one readiness probe."""

    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"


class Health(StrEnum):
    """What `flagctl doctor` finds of one thing: only what failed keeps flagctl from working."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


class ProbeError(StrEnum):
    """Why a probe failed."""

    MISCONFIGURED = "misconfigured"
    TOOLING_MISSING = "tooling_missing"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    POLICY_MISMATCH = "policy_mismatch"


@dataclass(frozen=True, slots=True)
class Term:
    """How a word of the vocabulary is shown to a person."""

    label: str
    tone: Tone
    help: str


MODES: Final[Mapping[Mode, Term]] = MappingProxyType(
    {
        Mode.PASSTHROUGH: Term(
            "passthrough",
            Tone.WARN,
            "The queue goes through as asked, without policy; jobs go to the management node.",
        ),
        Mode.STUB_POLICY: Term(
            "stub-policy",
            Tone.CALM,
            "The queue policy decides; jobs go to the management node, not to Slurm directly.",
        ),
        Mode.REAL_POLICY: Term(
            "real-policy",
            Tone.GOOD,
            "The queue policy decides and is checked on the live Slurm; jobs go to Slurm.",
        ),
    }
)

SOURCES: Final[Mapping[Source, Term]] = MappingProxyType(
    {
        Source.BREAK_GLASS: Term(
            "break-glass file", Tone.BAD, "A BREAK_GLASS file lies in the data directory."
        ),
        Source.ROLLBACK_FLAG: Term(
            "rollback flag", Tone.WARN, "Somebody rolled back; the flag has an owner and an expiry."
        ),
        Source.ENV: Term(
            "environment pin", Tone.WARN, "ZPE_SLURM_ADAPTER pins the mode of this process."
        ),
        Source.CUTOVER_FLAG: Term(
            "cutover flag", Tone.GOOD, "The cutover flag sets the mode of every unpinned process."
        ),
        Source.DEFAULT: Term(
            "built-in default", Tone.CALM, "Neither a flag nor the environment says otherwise."
        ),
    }
)

FRESHNESS: Final[Mapping[Freshness, Term]] = MappingProxyType(
    {
        Freshness.FRESH: Term("fresh", Tone.GOOD, "Read from the store for this very answer."),
        Freshness.LAST_KNOWN_GOOD: Term(
            "last known good", Tone.WARN, "The store cannot be read; the flags last read are kept."
        ),
        Freshness.NO_STORE: Term(
            "no store", Tone.BAD, "The store was never read; the safe rule applies."
        ),
    }
)

RESOLUTIONS: Final[Mapping[ResolutionOutcome, Term]] = MappingProxyType(
    {
        ResolutionOutcome.RESOLVED: Term("resolved", Tone.GOOD, "The queue was resolved."),
        ResolutionOutcome.DENIED: Term(
            "denied", Tone.CALM, "The queue is blank, or the queue policy does not allow it."
        ),
        ResolutionOutcome.MISCONFIGURED: Term(
            "misconfigured", Tone.BAD, "The queue policy can't be used; somebody must correct it."
        ),
        ResolutionOutcome.PRECONDITION: Term(
            "precondition", Tone.BAD, "real-policy is in force and a precondition does not hold."
        ),
        ResolutionOutcome.UNAVAILABLE: Term(
            "unavailable", Tone.BAD, "real-policy is in force and Slurm can't be reached."
        ),
    }
)

PARTS: Final[Mapping[Part, Term]] = MappingProxyType(
    {
        Part.RUNTIME: Term("runtime", Tone.CALM, "The submission runtime of flagctl."),
        Part.EMBEDDED: Term(
            "embedded", Tone.CALM, "A service of your own that has the adapter built in."
        ),
    }
)
