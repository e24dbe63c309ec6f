"""The way in for the first administrator: a one-time link, until somebody has a password."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flagctl.cli.desk import Desk, invoking_actor
from flagctl.vocabulary import Role

if TYPE_CHECKING:
    from flagctl.domain.access import Person
    from flagctl.store.people import IssuedLink


def first_link(desk: Desk) -> IssuedLink | None:
    """Return a link for an administrator, made if there is none; `None` once one can sign in."""
    from flagctl.store.people import add_person, issue_link

    administrators = _administrators(desk)
    if any(person.has_password for person in administrators):
        return None
    store, actor = desk.store(), invoking_actor()
    if administrators:
        return issue_link(store, administrators[0].name, actor)
    person = add_person(store, actor.name.partition(":")[2], Role.ADMIN, actor)
    return issue_link(store, person.name, actor)


def _administrators(desk: Desk) -> list[Person]:
    from flagctl.store.reading import read_people

    with desk.reading() as connection:
        people = read_people(connection)
    return [person for person in people if person.role is Role.ADMIN and not person.disabled_at]
