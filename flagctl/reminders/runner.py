"""The runner of the reminders: any number of processes have one, and one of them works."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

from flagctl.errors import UnavailableError
from flagctl.reminders.delivering import Postmen, Tools
from flagctl.reminders.giving_out import give_out
from flagctl.reminders.looking import find, look_around
from flagctl.reminders.outage import TELL_AFTER_S, Outage
from flagctl.store.glance import glance
from flagctl.store.lease import Lease
from flagctl.store.reading import reading
from flagctl.store.reminder_reading import read_channels_due

log = logging.getLogger(__name__)

TURN_EVERY_S: Final = 3.0
"""How late a reminder may be. An act in the same process is told at once."""

GLANCE_EVERY_S: Final = 1.0
"""How late an act of another process may be told; between turns this looks at three files only."""

READ_TIMEOUT_S: Final = 1.0


class Runner:
    """Gives out what is due and sees to its delivery while this process has the lease.

    Args:
        tools: what it works with.
        monotonic: tells seconds that only grow.
        turn_every_s: how long to rest between turns.
        tell_outage_after_s: how long the store must be unreadable before people are told.

    """

    def __init__(
        self,
        tools: Tools,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        turn_every_s: float = TURN_EVERY_S,
        tell_outage_after_s: float = TELL_AFTER_S,
    ) -> None:
        self._tools = tools
        self._monotonic = monotonic
        self._turn_every_s = turn_every_s
        self._lease = Lease(tools.files, tools.uptime, "reminders", tools.holder)
        self._postmen = Postmen(tools)
        self._outage = Outage(tools, tell_outage_after_s)
        self._problem: str | None = None
        self._has_more = False
        self._stopping = threading.Event()
        self._woken = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to run, in a thread that never stops this process from ending."""
        self._thread = threading.Thread(target=self._run, name="flagctl-reminders", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Take the next turn now: something was committed in this process. Costs no I/O."""
        self._woken.set()

    def stop(self, timeout_s: float = 5.0) -> None:
        """End the thread and give the lease back; what is on its way may still arrive."""
        self._stopping.set()
        self._woken.set()
        if self._thread is not None:
            self._thread.join(timeout_s)

    def work_off(self, timeout_s: float) -> bool:
        """Take turns until nothing is due, within the time; tell whether this process runs.

        Meant for a process that has no thread for it. What fails is due again later.
        """
        end_s = time.monotonic() + timeout_s
        while self.turn():
            self._outage.wait(end_s - time.monotonic())
            came_back = self._postmen.wait(end_s - time.monotonic())
            if not came_back or not self._has_more:
                return True
        return False

    def turn(self) -> bool:
        """Do what is due if this process is the one to do it; tell whether it is."""
        self._has_more = False
        if not self._lease.take():
            return False
        try:
            channels = self._give_out()
            self._has_more = bool(channels)
            self._postmen.deliver(channels)
        except UnavailableError as error:
            self._note(str(error))
            self._outage.goes_on(str(error), self._monotonic())
        else:
            self._note(None)
            self._outage.is_over()
        return True

    def wait(self, timeout_s: float) -> bool:
        """Wait for what is on its way; tell whether all of it came back in time."""
        return self._postmen.wait(timeout_s)

    def release(self) -> None:
        """Let another process run."""
        self._lease.release()

    def _give_out(self) -> tuple[str, ...]:
        """Write what is to be told; return the channels for which something is due."""
        tools = self._tools
        now = tools.clock()
        around = look_around(tools.files, now)
        with reading(tools.files, READ_TIMEOUT_S) as connection:
            found = find(connection, around, now, tools.uptime())
        if not found.is_to_be_written:
            return found.channels
        with tools.store.transaction() as at:
            # Looked for again: another process may have written it meanwhile.
            give_out(at, around, tools.book, find(at.connection, around, at.now, tools.uptime()))
            return tuple(read_channels_due(at.connection, at.now, tools.uptime()))

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._woken.clear()
            self._turn_safely()
            self._rest()
        self._lease.release()

    def _rest(self) -> None:
        """Wait for the next turn, or for the first sign that something was committed elsewhere."""
        seen = glance(self._tools.files)
        end_s = time.monotonic() + self._turn_every_s
        while not self._woken.wait(min(GLANCE_EVERY_S, self._turn_every_s)):
            if time.monotonic() >= end_s or glance(self._tools.files) != seen:
                return

    def _turn_safely(self) -> None:
        """Take a turn; what went wrong is logged once per kind, and the thread lives on."""
        try:
            self.turn()
        except Exception as error:
            if self._note(repr(error)):
                log.exception("The reminders failed and go on.")

    def _note(self, problem: str | None) -> bool:
        """Remember what is wrong; tell whether that is news."""
        is_news, self._problem = problem != self._problem, problem
        if is_news and problem is not None:
            log.warning("The reminders wait: %s", problem)
        return is_news
