"""How people prove who they are: one-time links, and the password set by following one.

Hashing and checking a password is the door's work; here is what is kept.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import col, select

from flagctl.domain import fields
from flagctl.domain.access import Person, Token, token_hash
from flagctl.domain.change import Actor
from flagctl.domain.times import from_text, to_text
from flagctl.errors import ForbiddenError, UnauthorizedError
from flagctl.store.audit_log import Entry
from flagctl.store.reading import rows
from flagctl.store.rows import person_from_row, token_from_row
from flagctl.store.tables import PersonRow, SignInLinkRow
from flagctl.store.writing import ControlStore, Transaction
from flagctl.vocabulary import Action, Door, Outcome, Role

LINK_IS_DEAD = (
    "This sign-in link was used already, is too old, or was replaced by a newer one. Ask an "
    "administrator for another, or on the host: `flagctl users link NAME`."
)


@dataclass(frozen=True, slots=True)
class Credentials:
    """A person and what to check a password against; `None` until one is set."""

    person: Person
    password_hash: str | None


def read_credentials(connection: sqlite3.Connection, name: str) -> Credentials | None:
    """Return the credentials of a person who may sign in."""
    found = rows(
        connection,
        "SELECT * FROM person WHERE name = :name AND disabled_at IS NULL",
        {"name": name},
    )
    return next((Credentials(person_from_row(row), row["password_hash"]) for row in found), None)


def read_person(connection: sqlite3.Connection, person_id: int) -> Person | None:
    """Return the person with this id, disabled or not."""
    found = rows(connection, "SELECT * FROM person WHERE id = :id", {"id": person_id})
    return next(map(person_from_row, found), None)


def read_link(connection: sqlite3.Connection, secret: str, now: datetime) -> Person | None:
    """Return whom a link lets in; looking does not use it up."""
    found = rows(
        connection,
        "SELECT person.*, link.expires_at AS link_expires_at FROM sign_in_link AS link "
        "JOIN person ON person.id = link.person_id "
        "WHERE link.secret_hash = :hash AND link.used_at IS NULL AND person.disabled_at IS NULL",
        {"hash": token_hash(secret)},
    )
    alive = (row for row in found if now < from_text(row["link_expires_at"]))
    return next(map(person_from_row, alive), None)


def read_role_token(connection: sqlite3.Connection, secret_hash: str) -> Token | None:
    """Return the token for the API with this hash, unless it is revoked."""
    found = rows(
        connection,
        "SELECT * FROM token WHERE secret_hash = :hash AND revoked_at IS NULL AND role IS NOT NULL",
        {"hash": secret_hash},
    )
    return next(map(token_from_row, found), None)


def follow_link(store: ControlStore, secret: str, password_hash: str) -> Person:
    """Use a link up and set its person's password.

    Raises:
        UnauthorizedError: the link is used, too old, replaced, or never was one.

    """
    with store.transaction() as at:
        person = read_link(at.connection, secret, at.now)
        if person is None:
            raise UnauthorizedError(LINK_IS_DEAD)
        link = at.session.exec(
            select(SignInLinkRow).where(col(SignInLinkRow.secret_hash) == token_hash(secret))
        ).one()
        link.used_at = to_text(at.now)
        return _set_password(at, person, password_hash, "by link")


def change_password(store: ControlStore, person: Person, password_hash: str) -> Person:
    """Set the password of somebody who has proven the old one."""
    with store.transaction() as at:
        return _set_password(at, person, password_hash, "by its owner")


def change_profile(store: ControlStore, person: Person, time_zone: str, notify_url: str) -> Person:
    """Set a person's time zone, and where reminders reach them; blank means nowhere.

    Raises:
        InvalidError: a value can't be taken.

    """
    zone = fields.time_zone(time_zone)
    address = fields.notify_url(notify_url) if notify_url.strip() else None
    with store.transaction() as at:
        row = _row(at, person)
        row.time_zone, row.notify_url = zone, address
        # The address may hold a secret of the service it goes to, so the trail does not tell it.
        told = {"time_zone": zone, "notify_address": "set" if address else "none"}
        return _recorded(at, row, told)


def _set_password(at: Transaction, person: Person, password_hash: str, how: str) -> Person:
    row = _row(at, person)
    row.password_hash = password_hash
    return _recorded(at, row, {"password": f"set {how}"})


def _row(at: Transaction, person: Person) -> PersonRow:
    row = at.session.get_one(PersonRow, person.id)
    if row.disabled_at is not None:
        raise ForbiddenError(f"{row.name} is disabled. Ask an administrator.")
    return row


def _recorded(at: Transaction, row: PersonRow, told: dict[str, str]) -> Person:
    at.session.flush()
    actor = Actor(actor_name(row.name), Role(row.role), Door.WEB)
    detail: dict[str, str | int | None] = {"name": row.name, **told}
    at.record(Entry(actor, Action.PERSON_CHANGED, Outcome.ACCEPTED, detail=detail))
    return person_from_row(row.model_dump())


def actor_name(name: str) -> str:
    """Return how a signed-in person stands in the audit trail."""
    return f"person:{name}"
