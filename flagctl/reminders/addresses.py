"""Where messages go: the configured channels, people's own addresses, and who stands in."""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from flagctl.domain.access import short_name
from flagctl.domain.fields import NOTIFY_SCHEMES
from flagctl.domain.reminder_words import RECIPIENTS, Recipient
from flagctl.store.outbox import NewDelivery
from flagctl.store.reminder_reading import read_person_named

CHANNEL_SCHEMES: Final = NOTIFY_SCHEMES | {
    "form", "forms", "gotify", "gotifys", "json", "jsons", "mailto", "matrixs", "mmosts", "ntfy",
    "rockets", "signals", "workflows", "xml", "xmls",
}  # fmt: skip
"""What the environment may configure besides: whoever sets it may call any address anyway."""

NAMES_ITS_HOST: Final = frozenset(
    {"form", "forms", "gotify", "gotifys", "json", "jsons", "mailto", "mailtos", "matrixs",
     "mmosts", "rockets", "signals", "xml", "xmls"}
)  # fmt: skip
"""Schemes in which the host is a host; in others its place may hold a secret."""

_STAND_INS: Final[Mapping[Recipient, tuple[Recipient, ...]]] = MappingProxyType(
    {
        Recipient.OWNER: (Recipient.OPERATORS, Recipient.ADMINS),
        Recipient.OPERATORS: (Recipient.ADMINS,),
        Recipient.ADMINS: (Recipient.OPERATORS,),
    }
)
_BETWEEN = re.compile(r"[\s,;]+(?=[A-Za-z][A-Za-z0-9+.-]*://)|\s+")
NOBODY: Final = "nobody"
NO_ADDRESS: Final = "no address"


@dataclass(frozen=True, slots=True)
class Address:
    """An Apprise URL. `channel` and `label` name it without what is secret in it."""

    channel: str
    label: str
    url: str = field(repr=False)
    problem: str | None = None


class AddressBook:
    """Finds where a recipient is reached.

    Args:
        operators: the text of FLAGCTL_NOTIFY_URLS.
        admins: the text of FLAGCTL_NOTIFY_ADMIN_URLS.
        personal_schemes: the schemes that a person's own address may have.

    """

    def __init__(
        self, operators: str, admins: str, personal_schemes: Collection[str] = NOTIFY_SCHEMES
    ) -> None:
        self._channels = {
            Recipient.OPERATORS: parse_addresses(operators),
            Recipient.ADMINS: parse_addresses(admins),
        }
        self._personal_schemes = personal_schemes

    def channels(self, *recipients: Recipient) -> list[Address]:
        """Return the configured addresses of these channels, each once."""
        every = (each for recipient in recipients for each in self._channels[recipient])
        return list({each.channel: each for each in every}.values())

    def ways(
        self, connection: sqlite3.Connection, tells: Sequence[Recipient], owner: str | None
    ) -> list[NewDelivery]:
        """Return how these are told. Who can't be reached is stood in for, and that is said."""
        found: dict[str, NewDelivery] = {}
        for recipient in tells:
            for new in self._ways_to(connection, recipient, owner):
                known = found.get(new.channel)
                found[new.channel] = _joined(known, new) if known else new
        return list(found.values())

    def stand_ins(self, recipient: Recipient, why: str) -> list[NewDelivery]:
        """Return the ways to the next in the ladder, with what it is to be told."""
        for other in _STAND_INS[recipient]:
            if self._channels[other]:
                note = f"{why}, so this goes to {RECIPIENTS[other].label}."
                return [
                    NewDelivery(other, each.channel, each.label, note)
                    for each in self._channels[other]
                ]
        return []

    def address(self, connection: sqlite3.Connection, channel: str) -> Address | str:
        """Return the address behind a channel as it is now, or why there is none."""
        if channel.startswith("person/"):
            return self._own_address(connection, channel.removeprefix("person/"))
        known = {
            each.channel: each for each in self.channels(Recipient.OPERATORS, Recipient.ADMINS)
        }
        return known.get(channel) or "this address is not configured any more"

    def _ways_to(
        self, connection: sqlite3.Connection, recipient: Recipient, owner: str | None
    ) -> Iterator[NewDelivery]:
        why = f"{RECIPIENTS[recipient].label} is not configured"
        if recipient is Recipient.OWNER:
            own = self._own_address(connection, short_name(owner or ""))
            if isinstance(own, Address):
                yield NewDelivery(recipient, own.channel, own.label)
                return
            why = own
        elif self._channels[recipient]:
            for each in self._channels[recipient]:
                yield NewDelivery(recipient, each.channel, each.label)
            return
        others = self.stand_ins(recipient, why)
        yield from others or [_nobody(recipient, why)]

    def _own_address(self, connection: sqlite3.Connection, name: str) -> Address | str:
        person = read_person_named(connection, name)
        if person is None:
            return f"{name or 'nobody'}, the owner, is not among the people"
        if person.disabled_at is not None:
            return f"{name}, the owner, is disabled"
        if not person.notify_url:
            return f"{name}, the owner, has no address for reminders"
        scheme = scheme_of(person.notify_url)
        return Address(
            channel=f"person/{name}",
            label=f"{name} ({scheme})",
            url=person.notify_url,
            problem=_problem(scheme, self._personal_schemes),
        )


def parse_addresses(text: str) -> list[Address]:
    """Return the addresses in a setting: separated by blanks, line breaks, commas or semicolons.

    One that can't be used stays in the list with its problem: it is shown, and blocks no other.
    """
    return [_configured(url) for url in _BETWEEN.split(text.strip()) if url]


def _configured(url: str) -> Address:
    scheme = scheme_of(url)
    digest = hashlib.sha256(url.encode()).hexdigest()[:8]
    host = _host(url) if scheme in NAMES_ITS_HOST else ""
    return Address(
        channel=f"{scheme}/{digest}",
        label=f"{scheme}://{host or '…'} ({digest[:4]})",
        url=url,
        problem=_problem(scheme, CHANNEL_SCHEMES),
    )


def scheme_of(url: str) -> str:
    """Return the scheme of an address, or `unknown`."""
    scheme, mark, _ = url.partition("://")
    return scheme.lower() if mark and scheme.isascii() and scheme.isalnum() else "unknown"


def _host(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return ""
    return f"{parts.hostname or ''}{port}"


def _problem(scheme: str, allowed: Collection[str]) -> str | None:
    if scheme in allowed:
        return None
    known = ", ".join(sorted(allowed))
    return f"the scheme {scheme}:// is not allowed; these are: {known}"


def _joined(known: NewDelivery, new: NewDelivery) -> NewDelivery:
    notes = dict.fromkeys(note for note in (known.note, new.note) if note)
    return replace(known, note=" ".join(notes) or None, error=known.error)


def _nobody(recipient: Recipient, why: str) -> NewDelivery:
    error = (
        f"nobody could be told: {why}, and no channel that could stand in is configured. Set "
        "FLAGCTL_NOTIFY_URLS, and restart."
    )
    return NewDelivery(recipient, NOBODY, NO_ADDRESS, error=error)
