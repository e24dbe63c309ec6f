"""Keeps one child: starts it when it is needed, ends it when it fails, and says why."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from flagctl.slurm.child_process import ChildProcess, EndedError, NoAnswerError
from flagctl.slurm.messages import GarbageError, Hello, Reply, hello_from, reply_from, request_line
from flagctl.slurm.trouble import SlurmTroubleError
from flagctl.vocabulary import ProbeError

RESTART_DELAYS_S: Final = (0.0, 0.25, 0.5, 1.0, 2.0)
"""After the first failure in a row, the second, and so on; the last goes for all further ones."""

NO_PYSLURM_STATUS: Final = 69
"""With this status the child ends when there is no pyslurm in its Python (`sysexits.h`)."""


class ChildKeeper:
    """The child of this process, used by one thread only: the one that starts it.

    Args:
        argv: how the child is started.
        environment: the child's environment; `None` is that of this process.
        restart_delays_s: see `RESTART_DELAYS_S`.
        obstacle: tells, before each start, why there is no point in one.

    """

    def __init__(
        self,
        argv: Sequence[str],
        environment: Mapping[str, str] | None = None,
        restart_delays_s: Sequence[float] = RESTART_DELAYS_S,
        obstacle: Callable[[], str | None] = lambda: None,
    ) -> None:
        self._argv = tuple(argv)
        self._environment = environment
        self._delays_s = tuple(restart_delays_s)
        self._obstacle = obstacle
        self._child: ChildProcess | None = None
        self._failures = 0
        self._not_before_s = 0.0
        self._last_trouble: SlurmTroubleError | None = None
        self._number = 0
        self._is_gone = False
        self.hello: Hello | None = None

    @property
    def pid(self) -> int | None:
        """Return the number of the child's process while there is one."""
        child = self._child
        return None if child is None else child.pid

    def ask(self, op: str, args: Mapping[str, Any], deadline_s: float) -> Reply:
        """Return the child's reply; it is started first if there is none.

        Raises:
            SlurmTroubleError: there is none by `deadline_s` (`time.monotonic()`); the child that
                did not answer as it should is ended.

        """
        try:
            return self._answer(op, args, deadline_s)
        except SlurmTroubleError as trouble:
            if not self._is_gone or trouble.was_sent:
                raise
        # It may have died long ago, and nothing left it: the one restart within a call.
        return self._answer(op, args, deadline_s)

    def _answer(self, op: str, args: Mapping[str, Any], deadline_s: float) -> Reply:
        child = self.require_child(deadline_s)
        self._number += 1
        line = request_line(self._number, op, args, max(0.0, deadline_s - time.monotonic()))
        child.forget_words()
        sent = self._is_gone = False
        try:
            answer = child.ask(line, deadline_s)
            while (reply := reply_from(answer, self._number, was_sent=sent)) is None:
                sent = True
                answer = child.line(deadline_s)
        except NoAnswerError:
            raise self._lost(ProbeError.TIMEOUT, f"no answer to “{op}” in time", sent) from None
        except EndedError as error:
            self._is_gone = True
            why = f"the child left “{op}”: {error}"
            raise self._lost(ProbeError.UNREACHABLE, why, sent) from None
        except GarbageError as error:
            why = f"the child is broken: {error}"
            raise self._lost(ProbeError.MISCONFIGURED, why, was_sent=True) from None
        self._failures = 0
        return _with_words(reply, child)

    def require_child(self, deadline_s: float) -> ChildProcess:
        """Return the child, started anew if it ended.

        Raises:
            SlurmTroubleError: it can't be started by then, or it failed a moment ago.

        """
        if self._child is not None and self._child.has_ended():
            self.end()
        if self._child is None:
            self._require_rest()
            self._require_way()
            self._child, self.hello = self._started(deadline_s)
        return self._child

    def end(self) -> str:
        """End the child, and return its last words; nothing stays of it, not even a zombie."""
        child, self._child = self._child, None
        return "" if child is None else child.end()

    def _require_rest(self) -> None:
        last = self._last_trouble
        if last is not None and time.monotonic() < self._not_before_s:
            raise unsent(last.error, str(last), is_start=last.is_start)

    def _require_way(self) -> None:
        why = self._obstacle()
        if why is not None:
            raise unsent(ProbeError.TOOLING_MISSING, why, is_start=True)

    def _started(self, deadline_s: float) -> tuple[ChildProcess, Hello]:
        try:
            self._child = ChildProcess(self._argv, self._environment)
            return self._child, hello_from(self._child.line(deadline_s))
        except OSError as error:
            why, kind = f"{self._argv[0]}: {error.strerror}", ProbeError.TOOLING_MISSING
        except NoAnswerError:
            why, kind = "it said nothing in time", ProbeError.TIMEOUT
        except GarbageError as error:
            why, kind = str(error), ProbeError.MISCONFIGURED
        except EndedError as error:
            why = str(error)
            is_missing = error.status == NO_PYSLURM_STATUS
            kind = ProbeError.TOOLING_MISSING if is_missing else ProbeError.MISCONFIGURED
        raise self._lost(kind, f"the child can't start: {why}", was_sent=False, is_start=True)

    def _lost(
        self, kind: ProbeError, what: str, was_sent: bool, *, is_start: bool = False
    ) -> SlurmTroubleError:
        message = with_words(what, self.end())
        trouble = SlurmTroubleError(kind, message, was_sent=was_sent, is_start=is_start)
        delay_s = self._delays_s[min(self._failures, len(self._delays_s) - 1)]
        self._failures += 1
        self._not_before_s = time.monotonic() + delay_s
        self._last_trouble = trouble
        return trouble


def unsent(kind: ProbeError, message: str, *, is_start: bool = False) -> SlurmTroubleError:
    """Return the trouble of a call that never left this process."""
    return SlurmTroubleError(kind, message, was_sent=False, is_start=is_start)


def _with_words(reply: Reply, child: ChildProcess) -> Reply:
    """Add to a failure what libslurm wrote about it: its error alone seldom says the cause."""
    if reply.error is None:
        return reply
    text = with_words(reply.error.text, child.last_words())
    return replace(reply, error=replace(reply.error, text=text))


def with_words(what: str, words: str) -> str:
    """Return what happened, and what the child said about it."""
    return f"{what}: {words}" if words else what
