"""submissions.db: which submissions were claimed, and what was answered.

A claim is committed, with `synchronous=FULL`, before anything is dispatched; the answer is
committed before it is given (architecture, decisions 4 and 11).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeVar

from flagctl.domain.submission import Claim
from flagctl.domain.times import to_text
from flagctl.store.claimer import claimer_id, is_provably_gone
from flagctl.store.connection import BUSY_TIMEOUT_S
from flagctl.store.one_writer import OneWriter
from flagctl.store.runtime_file import Identity, identity
from flagctl.store.submission_file import (
    SCHEMA_VERSION,
    open_for_reading,
    open_for_writing,
    submissions_trouble,
)
from flagctl.store.trouble import Trouble
from flagctl.vocabulary import Mode, SubmissionState

_COLUMNS: Final = tuple(field.name for field in fields(Claim))
_SELECT: Final = f"SELECT {', '.join(_COLUMNS)} FROM submission"  # noqa: S608 - our own names
_INSERT: Final = f"""
    INSERT INTO submission ({", ".join(_COLUMNS)})
    VALUES ({", ".join(f":{name}" for name in _COLUMNS)})
    ON CONFLICT (digest) DO UPDATE SET
        mode = excluded.mode, boundary = excluded.boundary, dispatcher = excluded.dispatcher,
        trace_id = excluded.trace_id, claimed_at = excluded.claimed_at,
        claimer = excluded.claimer, state = excluded.state
    WHERE submission.state = '{SubmissionState.UNSENT}' AND submission.intent = excluded.intent
"""  # noqa: S608 - our own names
_TAKE_OVER: Final = f"""
    UPDATE submission SET claimer = :by, claimed_at = :now
    WHERE digest = :digest AND state = '{SubmissionState.CLAIMED}'
        AND claimer IS :claimer AND claimed_at = :claimed_at
"""  # noqa: S608 - our own words
_RELEASE: Final = f"""
    UPDATE submission SET claimer = NULL, state = CASE WHEN EXISTS (
        SELECT 1 FROM slurm_job WHERE slurm_job.digest = :digest AND job_id IS NOT NULL
    ) THEN '{SubmissionState.CLAIMED}' ELSE :state END
    WHERE digest = :digest AND claimer = :by AND state = '{SubmissionState.CLAIMED}'
"""  # noqa: S608 - our own words
_COMPLETE: Final = f"""
    UPDATE submission SET claimer = NULL, state = '{SubmissionState.ACCEPTED}', answer = :answer
    WHERE digest = :digest AND answer IS NULL
"""  # noqa: S608 - our own words
_PURGE: Final = """
    DELETE FROM submission WHERE id IN (
        SELECT id FROM submission WHERE claimed_at < :before ORDER BY claimed_at LIMIT :limit)
"""

_IN_DOUBT: Final = f"""
    FROM submission WHERE answer IS NULL AND state = '{SubmissionState.CLAIMED}'
        AND (claimer IS NULL OR claimed_at < :lease_ended)
"""
_OPEN: Final = f"""
    {_SELECT} WHERE answer IS NULL AND state = '{SubmissionState.CLAIMED}'
        AND dispatcher = :dispatcher AND begun_at >= :begun_since AND claimed_at <= :claimed_before
    ORDER BY claimed_at LIMIT :limit
"""

PURGE_BATCH_ROWS: Final = 500

Job = Callable[[sqlite3.Connection], Any]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Held:
    """A claim as it stands now, and whether the caller is the one who works on it."""

    claim: Claim
    won: bool


class SubmissionStore:
    """The claims of all processes of this host; one object per process, for one event loop.

    Each method that writes returns once the write is durable, and raises
    `SubmissionsTroubleError` when it can't be: then nothing was written.
    """

    def __init__(self, path: Path, busy_timeout_s: float = BUSY_TIMEOUT_S) -> None:
        self.path = path
        self.claimer = claimer_id()
        self._busy_timeout_s = busy_timeout_s
        self._writing: sqlite3.Connection | None = None
        self._reading: sqlite3.Connection | None = None
        self._inode: Identity | None = None
        self._read_inode: Identity | None = None
        self._writer: OneWriter[Job] = OneWriter(self._transact, name="submissions-writer")

    def close(self) -> None:
        """Finish what waits and close the file."""
        self._writer.close()
        self._close_writing()
        self._close_reading()

    def find(self, digest: str) -> Claim | None:
        """Return the claim with this digest.

        A look-up by a unique index in a file whose readers never wait: it costs less than
        asking another thread to do it.
        """
        try:
            return _find(self._for_reading(), digest)
        except sqlite3.Error as error:
            self._close_reading()
            trouble = submissions_trouble(error, self.path)
            if trouble.trouble in (Trouble.MISSING, Trouble.EMPTY):
                return None  # the first claim makes the file
            raise trouble from error

    async def check(self) -> None:
        """Raise `SubmissionsTroubleError` unless claims can be read and written now."""
        await self.do(_check)

    async def claim(self, claim: Claim) -> Held:
        """Claim a submission that nobody claimed, or whose claim ended provably unsent."""
        return await self.do(lambda connection: _claim(connection, claim))

    async def take_over(self, seen: Claim, now: datetime) -> Held:
        """Claim what its claimer left behind, exactly as it was seen; one taker wins."""
        parameters = {**asdict(seen), "by": self.claimer, "now": to_text(now)}
        return await self.do(lambda connection: _take_over(connection, parameters))

    async def complete(self, digest: str, answer: str) -> str:
        """Record the answer and return it, or the one that was recorded first."""
        return await self.do(lambda connection: _complete(connection, digest, answer))

    async def release(self, digest: str, state: SubmissionState) -> None:
        """Stop working on a claim: `unsent` lets a retry start afresh, `claimed` is in doubt.

        One whose Slurm job is recorded is in doubt, whatever is said.
        """
        parameters = {"digest": digest, "by": self.claimer, "state": state}
        await self.do(lambda connection: connection.execute(_RELEASE, parameters))

    async def purge(self, before: datetime) -> int:
        """Forget some of the submissions claimed before then; return how many."""
        parameters = {"before": to_text(before), "limit": PURGE_BATCH_ROWS}
        return await self.do(lambda connection: connection.execute(_PURGE, parameters).rowcount)

    async def in_doubt(self, lease_ended: datetime, limit: int) -> tuple[int, list[Claim]]:
        """Return how many claims nobody works on and nobody answered, and the oldest of them."""
        parameters = {"lease_ended": to_text(lease_ended), "limit": limit}
        return await self.do(lambda connection: _in_doubt(connection, parameters))

    async def open_claims(
        self, dispatcher: str, begun_since: datetime, claimed_before: datetime, limit: int
    ) -> list[Claim]:
        """Return claims that are not answered, those that were tried longest ago first."""
        parameters = {
            "dispatcher": dispatcher,
            "begun_since": to_text(begun_since),
            "claimed_before": to_text(claimed_before),
            "limit": limit,
        }
        rows = await self.do(lambda it: it.execute(_OPEN, parameters).fetchall())
        return [_claim_from_row(row) for row in rows]

    def is_left_behind(self, claim: Claim, lease_ended: datetime) -> bool:
        """Tell whether nobody works on a claim: released, its claimer gone, or its lease over.

        This process is not asked: it knows what it works on.
        """
        if claim.claimer is None or claim.claimer == self.claimer:
            return True
        return claim.claimed_at < to_text(lease_ended) or is_provably_gone(claim.claimer)

    async def do(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """Return what a job made of the file, in one transaction with what waits beside it."""
        result: T = await self._writer.do(job)
        return result

    def _transact(self, jobs: Sequence[Job]) -> list[Any]:
        """Run all jobs in one transaction, on the writer's thread."""
        try:
            connection = self._for_writing()
            connection.execute("BEGIN IMMEDIATE")
            results = [job(connection) for job in jobs]
            connection.execute("COMMIT")
        except BaseException as error:
            self._close_writing()  # and with it what is not committed
            if isinstance(error, sqlite3.Error | OSError):
                raise submissions_trouble(error, self.path) from error
            raise
        return results

    def _for_writing(self) -> sqlite3.Connection:
        """Return the connection, anew if the file at the path is another one by now."""
        if self._writing is None or self._inode != identity(self.path):
            self._close_writing()
            self._writing = open_for_writing(self.path, self._busy_timeout_s)
            self._inode = identity(self.path)
        return self._writing

    def _close_writing(self) -> None:
        connection, self._writing, self._inode = self._writing, None, None
        _close(connection)

    def _for_reading(self) -> sqlite3.Connection:
        """Return the reader's connection, opened again whenever the writer's was.

        In one process SQLite shares what it knows of a file: as long as a reader stays that
        found it read-only, a writer would find it so too.
        """
        if self._reading is None or self._inode is None or self._read_inode != self._inode:
            self._close_reading()
            self._read_inode = self._inode
            self._reading = open_for_reading(self.path)
        return self._reading

    def _close_reading(self) -> None:
        connection, self._reading = self._reading, None
        _close(connection)


def _close(connection: sqlite3.Connection | None) -> None:
    if connection is not None:
        with suppress(sqlite3.Error):
            connection.close()


def _find(connection: sqlite3.Connection, digest: str) -> Claim | None:
    row = connection.execute(f"{_SELECT} WHERE digest = ?", (digest,)).fetchone()
    return None if row is None else _claim_from_row(row)


def _claim_from_row(row: Sequence[Any]) -> Claim:
    values = dict(zip(_COLUMNS, row, strict=True))
    try:
        values["mode"] = Mode(values["mode"])
        values["state"] = SubmissionState(values["state"])
    except ValueError as error:
        raise sqlite3.DatabaseError(f"a row holds nonsense: {error}") from error
    return Claim(**values)


def _standing(connection: sqlite3.Connection, digest: str) -> Claim:
    claim = _find(connection, digest)
    if claim is None:
        raise sqlite3.DatabaseError("a claim that was there is gone")
    return claim


def _in_doubt(
    connection: sqlite3.Connection, parameters: dict[str, Any]
) -> tuple[int, list[Claim]]:
    (count,) = connection.execute(f"SELECT count(*) {_IN_DOUBT}", parameters).fetchone()
    oldest = f"SELECT {', '.join(_COLUMNS)} {_IN_DOUBT} ORDER BY claimed_at LIMIT :limit"
    return count, [_claim_from_row(row) for row in connection.execute(oldest, parameters)]


def _check(connection: sqlite3.Connection) -> None:
    connection.execute(f"{_SELECT} LIMIT 1").fetchone()
    # Writes what is there already: the page, its checksum and the disk are real.
    connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")


def _claim(connection: sqlite3.Connection, claim: Claim) -> Held:
    won = connection.execute(_INSERT, asdict(claim)).rowcount == 1
    return Held(_standing(connection, claim.digest), won)


def _take_over(connection: sqlite3.Connection, parameters: dict[str, Any]) -> Held:
    won = connection.execute(_TAKE_OVER, parameters).rowcount == 1
    return Held(_standing(connection, parameters["digest"]), won)


def _complete(connection: sqlite3.Connection, digest: str, answer: str) -> str:
    connection.execute(_COMPLETE, {"digest": digest, "answer": answer})
    return _standing(connection, digest).answer or answer
