"""A real store, a clock that moves when told, a real receiver, and runners on them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from flagctl.domain.fields import NOTIFY_SCHEMES
from flagctl.domain.overview import Followed
from flagctl.domain.reminder_words import DeliveryState
from flagctl.reminders.addresses import AddressBook
from flagctl.reminders.delivering import Tools, new_holder
from flagctl.reminders.message import Place
from flagctl.reminders.post import send
from flagctl.reminders.runner import TURN_EVERY_S, Runner
from flagctl.store.connection import BUSY_TIMEOUT_S
from flagctl.store.files import DataFiles
from flagctl.store.people import add_person
from flagctl.store.reading import reading
from flagctl.store.reminder_reading import read_followed
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Role
from tests.reminders.receiver import Receiver
from tests.store.acts import ANNA, MovedClock
from tests.store.conftest import clock, files, store

__all__ = ["clock", "files", "store"]

PLACE = Place("production", "https://flagctl.example.org")


@dataclass
class Site:
    """A data directory with its receiver, and the runners that work on it."""

    files: DataFiles
    clock: MovedClock
    store: ControlStore
    receiver: Receiver
    runners: list[Runner] = field(default_factory=list)

    def runner(
        self,
        operators: str | None = None,
        admins: str | None = None,
        turn_every_s: float = TURN_EVERY_S,
        busy_timeout_s: float = BUSY_TIMEOUT_S,
    ) -> Runner:
        """A runner as one more process has it."""
        book = AddressBook(
            self.receiver.url("/ops") if operators is None else operators,
            self.receiver.url("/admins") if admins is None else admins,
            NOTIFY_SCHEMES | {"json"},
        )
        tools = Tools(
            files=self.files,
            store=ControlStore(self.files, self.clock, busy_timeout_s),
            book=book,
            place=PLACE,
            clock=self.clock,
            send=send,
            holder=new_holder(),
            uptime=self.clock.uptime,
        )
        runner = Runner(tools, monotonic=self._seconds, turn_every_s=turn_every_s)
        self.runners.append(runner)
        return runner

    def _seconds(self) -> float:
        return self.clock.passed.total_seconds()

    def turn(self, runner: Runner, *, after: timedelta = timedelta(0)) -> bool:
        """Let time pass, then work off what is due."""
        self.clock.forward(after)
        return runner.work_off(30)

    def add_person(self, name: str, path: str | None = None) -> None:
        """A person with an address of their own on the receiver, or with none."""
        person = add_person(self.store, name, Role.OPERATOR, ANNA)
        if path is not None:
            with self.store.transaction() as at:
                at.update("person", person.id, {"notify_url": self.receiver.url(path)})

    def followed(self) -> list[Followed]:
        """Every reminder with how it went, the oldest first."""
        with reading(self.files) as connection:
            return read_followed(connection, limit=1000)[::-1]

    def states(self) -> list[tuple[str, DeliveryState]]:
        """Each delivery: who it is for, and how far it is."""
        return [
            (delivery.label.partition(" ")[0], delivery.state)
            for followed in self.followed()
            for delivery in followed.deliveries
        ]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture
def site(files: DataFiles, clock: MovedClock, store: ControlStore, receiver: Receiver) -> Site:
    return Site(files, clock, store, receiver)
