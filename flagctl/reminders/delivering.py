"""Carrying deliveries out: one thread for each channel, so that none holds another one up."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from flagctl.domain.delivery import Delivery
from flagctl.domain.reminder_words import DeliveryState
from flagctl.errors import UnavailableError
from flagctl.reminders.addresses import Address, AddressBook
from flagctl.reminders.giving_out import read_subject, stand_in
from flagctl.reminders.looking import look_around
from flagctl.reminders.message import Place, compose
from flagctl.reminders.post import Message, Send
from flagctl.store import deliveries
from flagctl.store.files import DataFiles
from flagctl.store.reading import reading
from flagctl.store.uptime import Uptime, uptime
from flagctl.store.writing import ControlStore

log = logging.getLogger(__name__)

KEEP_AGAIN_S: Final = 1.0
"""How long to wait for a store that can't be written before trying again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What the reminders work with. `clock` is aware and in UTC; `holder` names this process."""

    files: DataFiles
    store: ControlStore
    book: AddressBook
    place: Place
    clock: Callable[[], datetime]
    send: Send
    holder: str
    uptime: Callable[[], Uptime] = uptime


def new_holder() -> str:
    """Return a name that no other process has, nor this one after a restart."""
    return uuid4().hex


class Postmen:
    """Delivers what is due, each channel by a thread of its own."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._on_the_way: dict[str, threading.Thread] = {}

    def deliver(self, channels: Iterable[str]) -> None:
        """Begin to deliver what is due for these channels; one on its way is left to go on."""
        self._forget_the_returned()
        for channel in channels:
            if channel not in self._on_the_way:
                thread = threading.Thread(
                    target=self._serve, args=(channel,), name=f"flagctl-post-{channel}", daemon=True
                )
                self._on_the_way[channel] = thread
                thread.start()

    def wait(self, timeout_s: float) -> bool:
        """Wait until all have come back; tell whether they did in time."""
        end_s = time.monotonic() + timeout_s
        for thread in list(self._on_the_way.values()):
            thread.join(max(0.0, end_s - time.monotonic()))
        self._forget_the_returned()
        return not self._on_the_way

    def _forget_the_returned(self) -> None:
        alive = {name: thread for name, thread in self._on_the_way.items() if thread.is_alive()}
        self._on_the_way = alive

    def _serve(self, channel: str) -> None:
        """Deliver one after the other until nothing is due or one fails: the others wait then."""
        try:
            while self._deliver_one(channel):
                pass
        except Exception:
            log.exception("Delivering to %s failed and is tried again.", channel)

    def _deliver_one(self, channel: str) -> bool:
        tools = self._tools
        with tools.store.transaction() as at:
            delivery = deliveries.claim(at, channel, tools.holder, tools.uptime())
        if delivery is None:
            return False
        with reading(tools.files) as connection:
            address = tools.book.address(connection, channel)
        if isinstance(address, str):
            self._pass_on(delivery, address)
            return True
        begun_s = time.monotonic()
        error = self._attempt(delivery, address)
        took = timedelta(seconds=time.monotonic() - begun_s)
        self._keep_surely(delivery, address, took, error)
        return error is None

    def _attempt(self, delivery: Delivery, address: Address) -> str | None:
        try:
            message = self._message(delivery)
        except Exception as error:
            # Left to fail by itself, one damaged row would hold up its channel for ever.
            log.exception("Reminder %d can't be put into words.", delivery.reminder_id)
            return f"the message could not be written: {type(error).__name__}: {error}"
        return self._tools.send(address, message)

    def _message(self, delivery: Delivery) -> Message:
        tools = self._tools
        with reading(tools.files) as connection:
            subject = read_subject(connection, delivery.reminder_id)
        now = tools.clock()
        follow = look_around(tools.files, now).convergence(subject.state.revision, now)
        return compose(subject, follow, tools.place, now, delivery.note)

    def _keep_surely(
        self, delivery: Delivery, address: Address, took: timedelta, error: str | None
    ) -> None:
        """Write down how it went, however long the store is in trouble: forgotten is sent twice."""
        while True:
            try:
                self._keep(delivery, address, took, error)
            except UnavailableError as trouble:
                log.warning("How reminder %d went waits: %s", delivery.reminder_id, trouble)
                time.sleep(KEEP_AGAIN_S)
            else:
                return

    def _keep(
        self, delivery: Delivery, address: Address, took: timedelta, error: str | None
    ) -> None:
        with self._tools.store.transaction() as at:
            deliveries.keep_attempt(at, delivery.id, took, error)
            if error is None:
                deliveries.succeeded(at, delivery)
                state = DeliveryState.DELIVERED
            else:
                for_good = address.problem is not None
                state = deliveries.failed(at, delivery, error, for_good=for_good)
                if state is DeliveryState.DEAD:
                    stand_in(at, delivery, f"{delivery.label} was not reached", self._tools.book)
        level = logging.INFO if error is None else logging.WARNING
        log.log(
            level, "Reminder %d to %s: %s.", delivery.reminder_id, delivery.label, error or state
        )

    def _pass_on(self, delivery: Delivery, why: str) -> None:
        """Give it to the next in the ladder; if there is none it is dead, and shown as that."""
        book = self._tools.book
        with self._tools.store.transaction() as at:
            if book.stand_ins(delivery.recipient, why):
                deliveries.passed_on(at, delivery, why)
                stand_in(at, delivery, why, book)
            else:
                deliveries.failed(at, delivery, why, for_good=True)
        log.warning("Reminder %d to %s: %s.", delivery.reminder_id, delivery.label, why)
