"""People in control.db: who may sign in, in which role, and their one-time links."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import col, select

from flagctl.domain import fields
from flagctl.domain.access import SECRET_BYTES, Person, token_hash
from flagctl.domain.audit import Detail
from flagctl.domain.change import Actor
from flagctl.domain.times import to_text
from flagctl.errors import ConflictError, NotFoundError
from flagctl.store.access import administer
from flagctl.store.rows import person_from_row
from flagctl.store.tables import PersonRow, SignInLinkRow
from flagctl.store.writing import ControlStore, Transaction
from flagctl.vocabulary import Action, Role

LINK_LIFETIME: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class IssuedLink:
    """A one-time sign-in link's secret, which is shown once; `expires_at` is in UTC."""

    person: Person
    secret: str
    expires_at: datetime


def add_person(store: ControlStore, name: str, role: Role, actor: Actor) -> Person:
    """Let somebody sign in, or again somebody who was disabled.

    Raises:
        ConflictError: there is such a person already.
        InvalidError: the name can't be taken.

    """
    clean = fields.name(name, "name")

    def work(at: Transaction) -> tuple[Person, Detail]:
        row = _find_person(at, clean)
        if row is not None and row.disabled_at is None:
            raise ConflictError(
                f"{clean} is there already, as {row.role}. To change the role: "
                f"`flagctl users role {clean} --role ROLE`."
            )
        again = row is not None
        row = row or PersonRow(name=clean, role=role, added_at=to_text(at.now))
        row.role, row.disabled_at = role, None
        at.session.add(row)
        at.session.flush()
        return _person(row), {"again": "yes" if again else None}

    return administer(store, actor, Action.PERSON_ADDED, {"name": clean, "role": role}, work)


def disable_person(store: ControlStore, name: str, actor: Actor) -> Person:
    """Let somebody sign in no more; links not used yet die too. Disabled again is no error.

    Raises:
        ConflictError: it is the last administrator.
        NotFoundError: there is no such person.

    """

    def work(at: Transaction) -> tuple[Person, Detail]:
        row = _require_person(at, name)
        _require_another_administrator(at, row)
        row.disabled_at = row.disabled_at or to_text(at.now)
        _kill_links(at, row)
        at.session.flush()
        return _person(row), {}

    return administer(store, actor, Action.PERSON_CHANGED, {"name": name, "disabled": "yes"}, work)


def set_role(store: ControlStore, name: str, role: Role, actor: Actor) -> Person:
    """Give a person another role.

    Raises:
        ConflictError: it would leave no administrator.
        NotFoundError: there is no such person.

    """

    def work(at: Transaction) -> tuple[Person, Detail]:
        row = _require_person(at, name)
        if role is not Role.ADMIN:
            _require_another_administrator(at, row)
        before, row.role = row.role, role
        at.session.flush()
        return _person(row), {"role_before": before}

    return administer(store, actor, Action.PERSON_CHANGED, {"name": name, "role": role}, work)


def issue_link(
    store: ControlStore, name: str, actor: Actor, lifetime: timedelta = LINK_LIFETIME
) -> IssuedLink:
    """Make a one-time sign-in link; an earlier one that was not used yet dies.

    Raises:
        ConflictError: the person is disabled.
        NotFoundError: there is no such person.

    """
    secret = secrets.token_urlsafe(SECRET_BYTES)

    def work(at: Transaction) -> tuple[IssuedLink, Detail]:
        row = _require_person(at, name)
        if row.disabled_at is not None:
            raise ConflictError(
                f"{name} is disabled. To let them in again: `flagctl users add {name}`."
            )
        _kill_links(at, row)
        expires_at = at.now + lifetime
        at.session.add(
            SignInLinkRow(
                person_id=row.id or 0,
                secret_hash=token_hash(secret),
                issued_at=to_text(at.now),
                expires_at=to_text(expires_at),
            )
        )
        detail = {"expires_at": expires_at.isoformat()}
        return IssuedLink(_person(row), secret, expires_at), detail

    return administer(store, actor, Action.LINK_ISSUED, {"name": name}, work)


def _find_person(at: Transaction, name: str) -> PersonRow | None:
    return at.session.exec(select(PersonRow).where(PersonRow.name == name)).first()


def _require_person(at: Transaction, name: str) -> PersonRow:
    row = _find_person(at, name)
    if row is None:
        raise NotFoundError(f"There is nobody called {name!r}. See `flagctl users list`.")
    return row


def _require_another_administrator(at: Transaction, leaving: PersonRow) -> None:
    if leaving.role != Role.ADMIN or leaving.disabled_at is not None:
        return
    others = select(PersonRow).where(
        PersonRow.role == Role.ADMIN,
        col(PersonRow.disabled_at).is_(None),
        PersonRow.name != leaving.name,
    )
    if at.session.exec(others).first() is None:
        raise ConflictError(
            f"{leaving.name} is the last administrator. Make somebody else one first: "
            "`flagctl users add NAME --role admin`."
        )


def _kill_links(at: Transaction, person: PersonRow) -> None:
    """Mark the person's open links as used, so that none of them opens a door any more."""
    unused = select(SignInLinkRow).where(
        SignInLinkRow.person_id == person.id, col(SignInLinkRow.used_at).is_(None)
    )
    for link in at.session.exec(unused):
        link.used_at = to_text(at.now)


def _person(row: PersonRow) -> Person:
    return person_from_row(row.model_dump())
