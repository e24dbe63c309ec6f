"""One child for all threads of the service: who goes first, and when nobody is let through.

One thread of its own talks to the child, so that a hanging libslurm costs the service nothing
but an answer. Calls that watch the cluster go before those that work on it: they wait for at
most the one call that is under way.

After trouble with slurmctld the circuit is open: calls that work fail at once, with the reason,
until a watching call has its answer again. So nobody waits for what is known to be away, and no
client's retry is what finds out that it is back.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Final

from flagctl.slurm.child_keeper import ChildKeeper, unsent
from flagctl.slurm.messages import Hello, Reply
from flagctl.slurm.trouble import SlurmTroubleError
from flagctl.vocabulary import ProbeError

UNREACHABLE_ERRNOS: Final = frozenset({1800, 1801, 1802, 1803, 5004})
"""Slurm's numbers for a slurmctld that can't be connected to, told or heard (`slurm_errno.h`)."""

_ENDING: Final = "this process is ending"


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """One operation of the child.

    Attributes:
        watches: it goes first and passes an open circuit; its success closes the circuit.
        asks_slurmctld: trouble with it says something about slurmctld and opens the circuit.

    """

    op: str
    args: Mapping[str, Any] = field(default_factory=dict)
    watches: bool = False
    asks_slurmctld: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    call: Call
    deadline_s: float
    reply: Future[Reply] = field(default_factory=Future)


class Supervisor:
    """Carries out calls, one at a time, each within its deadline.

    Args:
        keeper: the child; from now on only this object's thread uses it.
        call_timeout_s: the deadline of a call, the time that it waits for its turn included.

    """

    def __init__(self, keeper: ChildKeeper, *, call_timeout_s: float) -> None:
        self._keeper = keeper
        self.call_timeout_s = call_timeout_s
        self._open_because: SlurmTroubleError | None = None
        self._watching: deque[_Waiting] = deque()
        self._working: deque[_Waiting] = deque()
        self._news = threading.Condition()
        self._is_closing = False
        self._thread: threading.Thread | None = None

    @property
    def hello(self) -> Hello | None:
        """Return what the child last said of itself; `None` before its first start."""
        return self._keeper.hello

    @property
    def child_pid(self) -> int | None:
        """Return the number of the child's process while there is one."""
        return self._keeper.pid

    @property
    def open_because(self) -> SlurmTroubleError | None:
        """Return why the circuit is open; `None` when it is closed."""
        return self._open_because

    def ask(self, call: Call, deadline_s: float | None = None) -> Future[Reply]:
        """Return the reply to come; instead of it there may be a `SlurmTroubleError`.

        `deadline_s` (`time.monotonic()`) may shorten the time that a call has, not lengthen it.
        """
        own_s = time.monotonic() + self.call_timeout_s
        waiting = _Waiting(call, own_s if deadline_s is None else min(own_s, deadline_s))
        with self._news:
            trouble = self._refusal(call)
            if trouble is None:
                (self._watching if call.watches else self._working).append(waiting)
                self._require_thread()
                self._news.notify()
        if trouble is not None:
            waiting.reply.set_exception(trouble)
        return waiting.reply

    def close(self, timeout_s: float | None = None) -> None:
        """End the child; what waits and what comes gets a `SlurmTroubleError`.

        A call that is under way ends at its deadline, and the child after it; longer than
        `timeout_s` nobody waits for that.
        """
        with self._news:
            self._is_closing = True
            self._news.notify()
            thread = self._thread
        if thread is not None:
            thread.join(timeout_s)

    def _require_thread(self) -> None:
        """Begin with the first call, so that a supervisor may be made before a fork.

        The thread lives as long as the process: the kernel ends the child with its starter.
        """
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="slurm-child", daemon=True)
            self._thread.start()

    def _refusal(self, call: Call) -> SlurmTroubleError | None:
        if self._is_closing:
            return unsent(ProbeError.UNREACHABLE, _ENDING)
        reason = self._open_because
        if reason is None or call.watches:
            return None
        return unsent(reason.error, f"{reason} (nothing is sent until Slurm answers again)")

    def _work(self) -> None:
        while (waiting := self._next()) is not None:
            if waiting.reply.set_running_or_notify_cancel():
                self._carry_out(waiting)
        self._keeper.end()
        self._fail(self._watching, self._working)

    def _next(self) -> _Waiting | None:
        with self._news:
            self._news.wait_for(lambda: self._is_closing or self._watching or self._working)
            if self._is_closing:
                return None
            return (self._watching or self._working).popleft()

    def _carry_out(self, waiting: _Waiting) -> None:
        call = waiting.call
        try:
            reply = self._reply_to(waiting)
        except SlurmTroubleError as trouble:
            if call.asks_slurmctld:
                self._open(trouble)
            waiting.reply.set_exception(trouble)
            return
        except Exception as error:  # whoever waits must not wait for ever
            self._keeper.end()
            waiting.reply.set_exception(error)
            return
        if call.asks_slurmctld:
            self._learn_from(call, reply)
        waiting.reply.set_result(reply)

    def _reply_to(self, waiting: _Waiting) -> Reply:
        if time.monotonic() >= waiting.deadline_s:
            raise unsent(ProbeError.TIMEOUT, "other calls to Slurm took all the time there was")
        return self._keeper.ask(waiting.call.op, waiting.call.args, waiting.deadline_s)

    def _learn_from(self, call: Call, reply: Reply) -> None:
        error = reply.error
        if error is not None and error.errno in UNREACHABLE_ERRNOS:
            self._open(unsent(ProbeError.UNREACHABLE, error.text))
        elif call.watches and error is None:
            self._open_because = None

    def _open(self, reason: SlurmTroubleError) -> None:
        with self._news:
            self._open_because = reason
        self._fail(self._working)

    def _fail(self, *lanes: deque[_Waiting]) -> None:
        for lane in lanes:
            while lane:
                waiting = lane.popleft()
                trouble = self._refusal(waiting.call)
                if trouble is not None and waiting.reply.set_running_or_notify_cancel():
                    waiting.reply.set_exception(trouble)
