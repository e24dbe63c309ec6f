"""One submission from its look-up to its answer, dispatched once whatever happens between.

A replay is answered from the record. Else the queue is resolved, the claim is committed, the
order is dispatched, the answer is committed, and only then is it given. Whoever finds a claim
that was left behind finishes it with what was recorded: mode, boundary and dispatcher.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

import structlog

from flagctl.adapter import SlurmAdapter
from flagctl.adapter.telemetry import RequestIds
from flagctl.dispatch.ports import Dispatchers, InDoubtError, NotSentError
from flagctl.domain.canonical import canonical_json
from flagctl.domain.effective import EffectiveMode
from flagctl.domain.submission import (
    Claim,
    Order,
    boundary_from_json,
    idempotency_digest,
    intent_hash,
)
from flagctl.domain.times import from_text, to_text
from flagctl.errors import UnavailableError
from flagctl.runtime.problems import ProblemCode, ProblemError
from flagctl.runtime.rules import require_allowed
from flagctl.runtime.schemas import SubmissionAccepted, SubmitJobCommand
from flagctl.store.submissions import Held, SubmissionStore
from flagctl.vocabulary import SubmissionState

LEASE: Final = timedelta(seconds=60)
"""A claim older than this may be taken over although its process lives: it hangs."""

WAIT_S: Final = 2.0
"""How long a request waits for another one with the same key."""

_LOOK_AGAIN_S: Final = 0.02

Clock = Callable[[], datetime]
_log: Final = structlog.get_logger("flagctl.runtime")


@dataclass(frozen=True, slots=True)
class Submission:
    """A checked request: what is asked, the mode that it began with, and its names."""

    command: SubmitJobCommand
    effective: EffectiveMode
    trace_id: str
    digest: str
    intent: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The body of the 202, and whether it was given before."""

    body: str
    is_replay: bool


def submission(command: SubmitJobCommand, effective: EffectiveMode, trace_id: str) -> Submission:
    """Return the submission that a request makes."""
    digest = idempotency_digest(command.tenant_id, command.workspace_id, command.idempotency_key)
    intent = intent_hash(command.model_dump(exclude_none=True))
    return Submission(command, effective, trace_id, digest, intent)


class Submissions:
    """Takes submissions, on one event loop.

    Args:
        adapter: resolves queues.
        store: the claims.
        dispatchers: who takes what was claimed.
        clock: tells the time, aware and in UTC.
        lease: after this long a claim may be taken over from a process that lives.
        wait_s: how long a request waits for another one with the same key.

    """

    def __init__(
        self,
        *,
        adapter: SlurmAdapter,
        store: SubmissionStore,
        dispatchers: Dispatchers,
        clock: Clock,
        lease: timedelta = LEASE,
        wait_s: float = WAIT_S,
    ) -> None:
        self._adapter = adapter
        self._store = store
        self._dispatchers = dispatchers
        self._clock = clock
        self._lease = lease
        self._wait_s = wait_s
        self._at_work: dict[str, asyncio.Event] = {}

    async def submit(self, asked: Submission) -> Answer:
        """Return the answer to a submission, the first one if it was accepted before.

        Raises:
            ProblemError: the key stands for another intent, or another request works on it still.
            FlagctlError: the queue can't be resolved, the claim can't be written, or the order
                can't be dispatched.

        """
        async with self.alone(asked.digest):
            deadline_s = self._deadline_s()
            while True:
                held, is_first = await self._held(asked)
                structlog.contextvars.bind_contextvars(submission_id=held.claim.submission_id)
                if held.claim.answer is not None:
                    return Answer(held.claim.answer, is_replay=True)
                if held.won:
                    return Answer(await self._finish(asked, held.claim, is_first), is_replay=False)
                if asyncio.get_running_loop().time() >= deadline_s:
                    raise _in_progress()
                await asyncio.sleep(_LOOK_AGAIN_S)

    @asynccontextmanager
    async def alone(self, digest: str) -> AsyncIterator[None]:
        """Let one request of this process at a time work on a submission."""
        deadline_s = self._deadline_s()
        while (other := self._at_work.get(digest)) is not None:
            try:
                async with asyncio.timeout_at(deadline_s):
                    await other.wait()
            except TimeoutError:
                raise _in_progress() from None
        done = self._at_work[digest] = asyncio.Event()
        try:
            yield
        finally:
            del self._at_work[digest]
            done.set()

    def _deadline_s(self) -> float:
        return asyncio.get_running_loop().time() + self._wait_s

    async def _held(self, asked: Submission) -> tuple[Held, bool]:
        """Return the claim as it stands now, and whether nothing was ever sent under it."""
        found = self._store.find(asked.digest)
        if found is None or found.state is SubmissionState.UNSENT:
            _require_same_intent(found, asked)
            held = await self._store.claim(self._new_claim(asked))
            _require_same_intent(held.claim, asked)
            return held, held.won
        _require_same_intent(found, asked)
        now = self._clock()
        if found.answer is None and self._store.is_left_behind(found, now - self._lease):
            return await self._store.take_over(found, now), False
        return Held(found, won=False), False

    def _new_claim(self, asked: Submission) -> Claim:
        """Resolve the queue in the mode that the request began with, and hold the rules."""
        command, effective = asked.command, asked.effective
        ids = RequestIds(asked.trace_id, command.tenant_id, command.workspace_id, command.job_id)
        boundary = self._adapter.resolve_in(effective, command.execution_profile.queue_name, ids)
        require_allowed(command, boundary.mapping)
        now = to_text(self._clock())
        return Claim(
            digest=asked.digest,
            submission_id=str(uuid4()),
            tenant_id=command.tenant_id,
            workspace_id=command.workspace_id,
            job_id=command.job_id,
            management_node_id=command.management_node_id,
            idempotency_key=command.idempotency_key,
            intent=asked.intent,
            mode=effective.mode,
            boundary=canonical_json(asdict(boundary)),
            dispatcher=self._dispatchers.for_mode(boundary.adapter).name,
            trace_id=asked.trace_id,
            claimed_at=now,
            begun_at=now,
            claimer=self._store.claimer,
        )

    async def _finish(self, asked: Submission, claim: Claim, is_first: bool) -> str:
        """Dispatch what this process claimed, and record the answer before it is given."""
        order = Order(
            digest=claim.digest,
            submission_id=claim.submission_id,
            trace_id=claim.trace_id,
            command=asked.command.model_dump(exclude_none=True),
            boundary=boundary_from_json(claim.boundary),
            begun_at=from_text(claim.begun_at),
            is_first=is_first,
        )
        try:
            await self._dispatchers.named(claim.dispatcher).dispatch(order)
        except NotSentError:
            # Of an earlier attempt nobody knows: only the first one can be proven unsent.
            await self.let_go(
                claim, SubmissionState.UNSENT if is_first else SubmissionState.CLAIMED
            )
            raise
        except InDoubtError:
            await self.let_go(claim, SubmissionState.CLAIMED)
            raise
        return await self._store.complete(claim.digest, answer_to(claim, self._clock()))

    async def let_go(self, claim: Claim, state: SubmissionState) -> None:
        """Stop working on a claim; trouble with the store is logged."""
        try:
            await self._store.release(claim.digest, state)
        except UnavailableError as error:
            # It stays claimed by this process, which does not work on it: the retry finds that.
            _log.warning("claim_not_released", digest=claim.digest, error=str(error))

    def is_at_work(self, digest: str) -> bool:
        """Tell whether a request of this process works on a submission now."""
        return digest in self._at_work


def answer_to(claim: Claim, now: datetime) -> str:
    """Return the body of the 202 for a submission that is accepted now."""
    return SubmissionAccepted(
        job_id=claim.job_id,
        submission_id=UUID(claim.submission_id),
        execution_owner=claim.management_node_id,
        accepted_at=now,
        trace_id=claim.trace_id,
    ).model_dump_json()


def _require_same_intent(claim: Claim | None, asked: Submission) -> None:
    if claim is not None and claim.intent != asked.intent:
        structlog.contextvars.bind_contextvars(submission_id=claim.submission_id)
        raise ProblemError(
            ProblemCode.IDEMPOTENCY_CONFLICT,
            f"The idempotency key stands for another submission ({claim.submission_id}): something "
            "other than requested_by.session_id differs. Take a new key for a new intent.",
            "/idempotency_key",
        )


def _in_progress() -> ProblemError:
    return ProblemError(
        ProblemCode.EXECUTION_UNAVAILABLE,
        "Another request with this idempotency key is not answered yet. Try again: the answer "
        "will be the same.",
    )
