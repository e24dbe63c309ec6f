"""Exactly one Slurm job for each submission, as steps without any I/O (architecture, decision 11).

A job is submitted held, under a name that nobody else uses. Its number is recorded, and the first
one recorded is the submission's job for good. Only that one is ever released, so at most one runs,
whoever crashes, retries or comes late, and however often. Every other held one is cancelled.

The steps are a generator: it yields what is to be done next and is sent what came of it. A step
that fails is thrown into it and ends the attempt; the next attempt begins anew with what is
recorded. Any number of attempts may go on at once.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Entry:
    """What is recorded of a submission: its job, and how many releases of it may have been sent."""

    job_id: int | None = None
    releases: int = 0


@dataclass(frozen=True, slots=True)
class Seen:
    """A job that Slurm knows under the submission's name. `held`: it waits for us."""

    job_id: int
    held: bool


@dataclass(frozen=True, slots=True)
class Reopen:
    """Read what is recorded; sent back: `Entry`.

    Also note that an earlier attempt may have left held jobs, and that some may arrive yet.
    """


@dataclass(frozen=True, slots=True)
class LookUp:
    """Ask Slurm for all jobs of the name, ended ones too; sent back: a tuple of `Seen`."""


@dataclass(frozen=True, slots=True)
class Submit:
    """Submit a held job; sent back: its number."""


@dataclass(frozen=True, slots=True)
class Record:
    """Record the job unless another one is; sent back: the `Entry` that stands then.

    Without a job in it the submission is not this dispatcher's any more.
    """

    job_id: int


@dataclass(frozen=True, slots=True)
class Replace:
    """Record `by` in place of a job that was lost before any release; sent back: as `Record`."""

    lost: int
    by: int


@dataclass(frozen=True, slots=True)
class BeginRelease:
    """Record that a release may be sent; sent back: whether the job is still the recorded one."""

    job_id: int


@dataclass(frozen=True, slots=True)
class Release:
    """Let the job run; sent back: `Seen`, or `None` when Slurm does not know it.

    `NothingSentError` is thrown when the release certainly never left.
    """

    job_id: int


@dataclass(frozen=True, slots=True)
class EndRelease:
    """Record that the release that was begun was not sent."""

    job_id: int


@dataclass(frozen=True, slots=True)
class Cancel:
    """Cancel the job if it is held."""

    job_id: int


Step = Reopen | LookUp | Submit | Record | Replace | BeginRelease | Release | EndRelease | Cancel
Steps = Generator[Step, Any, int | None]


class NothingSentError(Exception):
    """The step changed nothing, for certain."""


class LostError(Exception):
    """Slurm does not know the recorded job any more, and it may have run."""

    def __init__(self, job_id: int) -> None:
        super().__init__(
            f"Slurm does not know job {job_id} any more, which may have run. Look for it with "
            f"`sacct --duplicates --jobs={job_id}`; if it never ran, submit with a new key."
        )
        self.job_id = job_id


class SupersededError(Exception):
    """The submission went another way meanwhile; this attempt has no say in it."""


def one_job(*, is_first: bool, may_submit: bool = True) -> Steps:
    """Go from a claim to its one job that may run, and return the job's number.

    Args:
        is_first: nothing was ever sent for this submission; else it is looked up first.
        may_submit: `False` finishes what is found, and returns `None` if that is nothing.

    """
    entry, seen = Entry(), tuple[Seen, ...]()
    if not is_first:
        # In this order: what was recorded before the look-up existed before it.
        entry = yield Reopen()
        seen = yield LookUp()
    lost = _lost(entry, seen)
    if entry.job_id is None and seen:
        entry = yield Record(_preferred(seen).job_id)
    elif entry.job_id is None or lost is not None:
        if not may_submit:
            return None
        own = yield Submit()
        seen = (*seen, Seen(own, held=True))
        entry = yield (Record(own) if lost is None else Replace(lost, own))
    if entry.job_id is None:
        # Nothing is cancelled either: whoever has the submission now may take what it finds.
        raise SupersededError("The submission went another way meanwhile.")
    yield from _released(entry.job_id, seen)
    yield from _without_others(entry.job_id, seen)
    return entry.job_id


def without_strays(job_id: int | None) -> Steps:
    """Cancel every held job but the recorded one (`None`: all) of an answered submission."""
    seen = yield LookUp()
    yield from _without_others(job_id, seen)
    return job_id


def _lost(entry: Entry, seen: Sequence[Seen]) -> int | None:
    """Return the recorded job if Slurm lost it before anybody could have let it run."""
    is_known = any(each.job_id == entry.job_id for each in seen)
    return None if is_known or entry.releases else entry.job_id


def _preferred(seen: Sequence[Seen]) -> Seen:
    """Return the job to take for the submission's: one that somebody let run goes first."""
    return min(seen, key=lambda each: (each.held, each.job_id))


def _released(job_id: int, seen: Sequence[Seen]) -> Generator[Step, Any, None]:
    may_run_already = any(each.job_id == job_id and not each.held for each in seen)
    if may_run_already:
        return
    if not (yield BeginRelease(job_id)):
        raise SupersededError("Another attempt replaced the job of this submission.")
    try:
        found = yield Release(job_id)
    except NothingSentError:
        yield EndRelease(job_id)
        raise
    if found is None:
        raise LostError(job_id)


def _without_others(job_id: int | None, seen: Sequence[Seen]) -> Generator[Step, Any, None]:
    for each in seen:
        if each.held and each.job_id != job_id:
            yield Cancel(each.job_id)
