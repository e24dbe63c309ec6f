"""Bringing a backup back while everything runs, without raising anybody (decision 7).

A control.db that can be read is rewritten in one transaction: readers see what was before or
what is after. One that can't is put aside, and a new file takes its place.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from flagctl.domain import fields
from flagctl.domain.audit import AuditEvent, Detail
from flagctl.domain.change import Actor
from flagctl.domain.effective import by_flags
from flagctl.domain.flag import Flag
from flagctl.domain.restore import Held, held_by, held_unread, lower_of, restored
from flagctl.store import outbox
from flagctl.store.audit_log import Entry, head_of
from flagctl.store.backup import copy_database
from flagctl.store.connection import BUSY_TIMEOUT_S
from flagctl.store.contents import (
    Ended,
    attach_incoming,
    count_lost_events,
    end_again,
    read_ended,
    replace_contents,
)
from flagctl.store.examine import require_sound_pages
from flagctl.store.files import DataFiles, and_beside
from flagctl.store.filesystem import prepare_directory, sync
from flagctl.store.heard import heard_of
from flagctl.store.incoming import Incoming, bring_in
from flagctl.store.last_known_good import LastKnownGoodFile
from flagctl.store.migrate import bring_up_to_date, file_lock
from flagctl.store.reading import read_state, reading
from flagctl.store.sessions import Sessions
from flagctl.store.transaction import Clock, Transaction, Writer
from flagctl.store.trouble import StoreTroubleError, Trouble, explained_files
from flagctl.store.writing import write_decision

BEYOND_READING = (Trouble.MISSING, Trouble.EMPTY, Trouble.CORRUPT, Trouble.NONSENSE)
"""Trouble that a restore mends; any other kind may go by, or the file is somebody else's."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore came to, after its commit.

    `rollback` is the flag that was added so that nobody was raised. `saved_as` is the database
    that was replaced; `lost_events` tells how many events of its trail are in there only, `None`
    when nobody can tell.
    """

    event: AuditEvent
    rollback: Flag | None
    saved_as: Path | None
    lost_events: int | None

    @property
    def how_to_read_replaced(self) -> str | None:
        """Return the commands that list the trail of what was replaced."""
        if self.saved_as is None:
            return None
        copies = [f"cp {self.saved_as} replaced/control.db"]
        if Path(f"{self.saved_as}-wal").exists():
            copies.append(f"cp {self.saved_as}-wal replaced/control.db-wal")
        listing = "FLAGCTL_DATA_DIR=replaced flagctl audit list"
        return " && ".join(["mkdir replaced", *copies, listing])


def restore(
    files: DataFiles,
    source: Path,
    actor: Actor,
    clock: Clock,
    *,
    reason: str | None = None,
    accept_broken_trail: bool = False,
    busy_timeout_s: float = BUSY_TIMEOUT_S,
) -> Restored:
    """Bring the backup `source` into force, at the lower of the two modes and a new revision.

    Raises:
        InvalidError: `source` can't be restored; nothing was changed.
        StoreTroubleError: control.db can't be replaced now; nothing was changed.

    """
    why = fields.reason(reason if reason is not None else f"restore of {source.name}")
    prepare_directory(files.directory)
    with explained_files(files.control), file_lock(files), _workplace(files) as place:
        incoming = bring_in(files, source, place, accept_broken_trail=accept_broken_trail)
        done = _Restore(files, incoming, actor, clock, why, busy_timeout_s).carry_out()
    _sign_everybody_out(files)
    return done


def _sign_everybody_out(files: DataFiles) -> None:
    """Forget the browsers' sessions: the number of a person may be somebody else's now."""
    with suppress(StoreTroubleError):
        Sessions(files).end_everywhere()


@contextmanager
def _workplace(files: DataFiles) -> Iterator[Path]:
    """Give a directory on the same disk, without what a restore that was killed left there."""
    for left in files.directory.glob(".restore-*"):
        shutil.rmtree(left)
    with TemporaryDirectory(prefix=".restore-", dir=files.directory) as place:
        yield Path(place)


@dataclass(frozen=True, slots=True)
class _Replaced:
    """What is known of the database that is replaced."""

    held: Held
    ended: list[Ended]
    saved_as: Path | None
    told: Detail
    lost_events: int | None = None


@dataclass(frozen=True, slots=True)
class _Restore:
    files: DataFiles
    incoming: Incoming
    actor: Actor
    clock: Clock
    reason: str
    busy_timeout_s: float

    def carry_out(self) -> Restored:
        """Do it in the way that the live file allows."""
        try:
            return self.in_one_transaction()
        except StoreTroubleError as trouble:
            if trouble.path != self.files.control or trouble.trouble not in BEYOND_READING:
                raise
            return self.by_a_new_file(trouble)

    def in_one_transaction(self) -> Restored:
        """Rewrite the live file; whoever works on it goes on with what it holds then."""
        bring_up_to_date(self.files.control)
        require_sound_pages(self.files, self.busy_timeout_s)
        saved_as = self._place_for_replaced()
        with _removed_on_failure(saved_as), self._locked() as at:
            copy_database(self.files.control, saved_as, self.busy_timeout_s)
            attach_incoming(at.connection, self.incoming.path)
            replaced = _look_at_replaced(at, self.files, saved_as)
            replace_contents(at.connection)
            return self._bring_into_force(at, replaced)

    def by_a_new_file(self, trouble: StoreTroubleError) -> Restored:
        """Put the live file aside and the backup in its place; running readers notice that."""
        with self._locked_if_possible():
            aside = _Aside(self.files.control, self._place_for_replaced())
            replaced = self._salvage(trouble, aside.saved_as)
            with (
                closing(Writer(self.incoming.path)) as writer,
                writer.transaction(self.clock) as at,
            ):
                done = self._bring_into_force(at, replaced)
            sync(self.incoming.path)
            with aside.put():
                self.incoming.path.rename(self.files.control)
            sync(self.files.directory)
            return done

    def _bring_into_force(self, at: Transaction, replaced: _Replaced) -> Restored:
        end_again(at.connection, replaced.ended)
        outbox.settle_everything(at)
        told = {**self._told(replaced.saved_as), **replaced.told}
        decision = restored(at.state(), replaced.held, self.actor, at.now, self.reason, told)
        rollback = write_decision(at, decision)
        entry = Entry(
            actor=self.actor,
            action=decision.action,
            outcome=decision.outcome,
            before=replaced.held.mode,
            after=by_flags(decision.after),
            revision=decision.after.revision,
            flag_id=rollback.id if rollback else None,
            reason=self.reason,
            detail=decision.detail,
        )
        return Restored(at.record(entry), rollback, replaced.saved_as, replaced.lost_events)

    def _told(self, saved_as: Path | None) -> Detail:
        return {
            "path": str(self.incoming.source),
            "sha256": self.incoming.sha256,
            "backup_revision": self.incoming.revision,
            "broken_trail": self.incoming.trail_problem,
            "saved_as": saved_as.name if saved_as else None,
        }

    def _salvage(self, trouble: StoreTroubleError, saved_as: Path | None) -> _Replaced:
        """Return what must be taken to have held; what can still be read of it counts too."""
        held = _held_unread(self.files, self.clock())
        ended: list[Ended] = []
        with suppress(StoreTroubleError), reading(self.files, self.busy_timeout_s) as connection:
            ended = read_ended(connection)
            held = lower_of(held, held_by(read_state(connection)))
        told: Detail = {"replaced": trouble.trouble, "replaced_revision": held.revision}
        return _Replaced(held, ended, saved_as, told)

    @contextmanager
    def _locked(self) -> Iterator[Transaction]:
        with (
            closing(Writer(self.files.control, self.busy_timeout_s)) as writer,
            writer.transaction(self.clock) as at,
        ):
            yield at

    @contextmanager
    def _locked_if_possible(self) -> Iterator[None]:
        """Keep writers away from a file that some of them may still be able to write."""
        with ExitStack() as stack:
            try:
                stack.enter_context(self._locked())
            except StoreTroubleError as trouble:
                if trouble.trouble not in BEYOND_READING:
                    raise
            yield

    def _place_for_replaced(self) -> Path:
        control, stamp = self.files.control, f"{self.clock():%Y%m%dT%H%M%SZ}"
        names = (f"{control.name}.before-restore-{stamp}{more}" for more in _suffixes())
        return next(path for name in names if not (path := control.with_name(name)).exists())


def _suffixes() -> Iterator[str]:
    yield ""
    yield from (f"-{number}" for number in count(2))


def _look_at_replaced(at: Transaction, files: DataFiles, saved_as: Path) -> _Replaced:
    held, (events, head_hash) = held_by(at.state()), head_of(at.connection)
    told_of = _held_unread(files, at.now)
    if told_of.revision > held.revision:  # flags were lost, maybe a rollback
        held = lower_of(held, told_of)
    lost = count_lost_events(at.connection)
    told: Detail = {
        "replaced_revision": held.revision,
        "replaced_events": events,
        "replaced_head": head_hash,
        "lost_events": lost,
    }
    return _Replaced(held, read_ended(at.connection), saved_as, told, lost)


def _held_unread(files: DataFiles, now: datetime) -> Held:
    last_known = LastKnownGoodFile(files.last_known_good).read()
    return held_unread(heard_of(files), now, last_known)


@contextmanager
def _removed_on_failure(path: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        path.unlink(missing_ok=True)
        raise


class _Aside:
    """Moves a database away with what lies beside it; back again when what follows fails.

    While it is away, starts wait at the lock, readers keep what they know, and writers are
    refused: nobody makes another one.
    """

    def __init__(self, control: Path, place: Path) -> None:
        moves = zip(and_beside(control), and_beside(place), strict=True)
        self._moves = [(here, there) for here, there in moves if here.exists()]
        self.saved_as = place if self._moves else None

    @contextmanager
    def put(self) -> Iterator[None]:
        try:
            for here, there in self._moves:
                here.rename(there)
            yield
        except BaseException:
            for here, there in self._moves:
                if there.exists():
                    there.rename(here)
            raise
