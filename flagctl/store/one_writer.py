"""One thread that writes, so that an event loop never waits for a disk.

Work that waits together is done together: one commit, and so one fsync, for all of it.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from flagctl.errors import UnavailableError

MAX_WAITING: Final = 1000
MAX_TOGETHER: Final = 100

Work = TypeVar("Work")


@dataclass(frozen=True, slots=True)
class _Ticket(Generic[Work]):
    work: Work
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]


class OneWriter(Generic[Work]):
    """Hands work to `do_together` on a thread of its own, in the order in which it came.

    `do_together` returns one result for each piece of work, or raises for all of them.
    """

    def __init__(self, do_together: Callable[[Sequence[Work]], list[Any]], name: str) -> None:
        self._do_together = do_together
        self._waiting: deque[_Ticket[Work]] = deque()
        self._wake = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()

    async def do(self, work: Work) -> Any:
        """Return the result of this piece of work once it is durable.

        Raises:
            UnavailableError: too much waits already; or what `do_together` raised.

        """
        loop = asyncio.get_running_loop()
        ticket = _Ticket(work, loop, loop.create_future())
        with self._wake:
            if self._closed or len(self._waiting) >= MAX_WAITING:
                raise UnavailableError(
                    f"{len(self._waiting)} submissions wait to be recorded; no more are taken. "
                    "Try again in a moment."
                )
            self._waiting.append(ticket)
            self._wake.notify()
        return await ticket.future

    def close(self) -> None:
        """Finish what waits, then end the thread."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        self._thread.join()

    def _serve(self) -> None:
        while batch := self._next_batch():
            try:
                outcome: list[Any] | Exception = self._do_together([each.work for each in batch])
            except Exception as error:
                outcome = error
            # The loop may be closed by now: then nobody awaits the outcome.
            with suppress(RuntimeError):
                batch[0].loop.call_soon_threadsafe(_deliver, batch, outcome)

    def _next_batch(self) -> list[_Ticket[Work]]:
        with self._wake:
            self._wake.wait_for(lambda: self._waiting or self._closed)
            count = min(len(self._waiting), MAX_TOGETHER)
            return [self._waiting.popleft() for _ in range(count)]


def _deliver(batch: list[_Ticket[Any]], outcome: list[Any] | Exception) -> None:
    for number, ticket in enumerate(batch):
        if ticket.future.done():
            continue
        if isinstance(outcome, Exception):
            ticket.future.set_exception(outcome)
        else:
            ticket.future.set_result(outcome[number])
