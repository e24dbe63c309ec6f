"""The one thing that can't wait in the outbox: that the outbox itself can't be read."""

from __future__ import annotations

import logging
import socket
import threading
from datetime import timedelta
from math import inf
from typing import Final

from flagctl.domain.fields import describe
from flagctl.domain.reminder_words import Recipient
from flagctl.reminders.addresses import Address
from flagctl.reminders.delivering import Tools
from flagctl.reminders.message import trouble_message
from flagctl.reminders.post import Message
from flagctl.store.lease import Lease

log = logging.getLogger(__name__)

TELL_AFTER_S: Final = 10.0
"""A store that is back sooner was only busy."""

RETRY_AFTER_S: Final = 30.0


class Outage:
    """Tells operators and administrators once that the store can't be read.

    A mark in runtime.db keeps another process from telling of the same outage. Who has been told
    is remembered in this process only: there is no store to remember it in.
    """

    def __init__(self, tools: Tools, tell_after_s: float = TELL_AFTER_S) -> None:
        self._tools = tools
        self._tell_after_s = tell_after_s
        self._mark = Lease(tools.files, tools.uptime, "outage", tools.holder)
        self._since_s: float | None = None
        self._may_be_marked = True
        self._waiting: list[Address] | None = None
        self._retry_at_s = -inf
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def goes_on(self, trouble: str, now_s: float) -> None:
        """Note that the store could not be read at this moment; tell when that has lasted."""
        if self._since_s is None:
            self._since_s = now_s
        lasted_s = now_s - self._since_s
        if lasted_s < self._tell_after_s:
            return
        if self._waiting is None:
            is_first = self._mark.mark()
            both = self._tools.book.channels(Recipient.OPERATORS, Recipient.ADMINS)
            self._waiting = both if is_first else []
        if self._waiting and now_s >= self._retry_at_s and not self._is_telling():
            self._retry_at_s = now_s + RETRY_AFTER_S
            self._tell(trouble, lasted_s)

    def is_over(self) -> None:
        """Note that the store can be read; a mark of an outage that ended unseen goes too."""
        if self._since_s is not None:
            log.warning("The control store can be read again.")
            self._since_s, self._waiting, self._retry_at_s = None, None, -inf
            self._may_be_marked = True
        if self._may_be_marked:
            self._mark.unmark()
            self._may_be_marked = False

    def wait(self, timeout_s: float) -> None:
        """Wait for what is being sent."""
        if self._thread is not None:
            self._thread.join(max(0.0, timeout_s))

    def _is_telling(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _tell(self, trouble: str, lasted_s: float) -> None:
        message = trouble_message(
            trouble,
            socket.gethostname(),
            describe(timedelta(seconds=lasted_s)),
            self._tools.place,
        )
        self._thread = threading.Thread(
            target=self._send_to_all, args=(message,), name="flagctl-post-outage", daemon=True
        )
        self._thread.start()

    def _send_to_all(self, message: Message) -> None:
        for address in list(self._waiting or []):
            error = self._tools.send(address, message)
            if error is None:
                log.warning("Told %s that the control store can't be read.", address.label)
                self._told(address)
            else:
                log.error("Could not tell %s of the outage: %s", address.label, error)

    def _told(self, address: Address) -> None:
        with self._lock:
            if self._waiting:
                self._waiting = [each for each in self._waiting if each != address]
