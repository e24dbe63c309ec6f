"""Sending one message to one address by Apprise, and saying why it failed without its secrets."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit

from flagctl.reminders.addresses import NAMES_ITS_HOST, Address, scheme_of

ATTEMPT_S: Final = 15.0
"""How long one attempt may take; a claim lasts longer."""

SILENCE_S: Final = 7.0
"""How long a service may say nothing, while connecting and again while answering."""

ERROR_MAX_CHARS: Final = 300
SECRET_MIN_CHARS: Final = 4
"""Shorter parts of an address are words; hiding them would hide the error."""

_STATUS = re.compile(r"error=3\d\d\b")


@dataclass(frozen=True, slots=True)
class Message:
    """What a person reads; `title` alone says what happened."""

    title: str
    body: str


Send = Callable[[Address, Message], str | None]


def send(address: Address, message: Message) -> str | None:
    """Send the message; return what went wrong, `None` when the service took it.

    Never raises, never follows a redirect, and tries once: the outbox tries again.
    """
    if address.problem:
        return address.problem
    try:
        return _send(address, message)
    except Exception as error:
        # The plugin of a service may raise anything.
        return masked(f"{type(error).__name__}: {error}", address.url)


def _send(address: Address, message: Message) -> str | None:
    import apprise  # takes a third of a second to import

    # Whatever a plugin logs stays in the result, where it is masked.
    logging.getLogger("apprise").propagate = False
    asset = apprise.AppriseAsset(
        app_id="flagctl",
        app_desc="flagctl",
        app_url="",
        async_mode=False,
        http_redirects=False,
        service_timeout=ATTEMPT_S,
        allow_templates=False,
        result_log_memory_size=4096,
    )
    service = apprise.Apprise.instantiate(address.url, asset=asset, suppress_exceptions=True)
    if service is None:
        return "Apprise does not understand this address; correct it where it is set"
    # The address could ask for these by its own parameters. The socket is to give up before we
    # do: what is answered to nobody would be taken for undelivered, and sent again.
    service.redirects, service.retry = False, 0
    service.socket_read_timeout = min(service.socket_read_timeout, SILENCE_S)
    service.socket_connect_timeout = min(service.socket_connect_timeout, SILENCE_S)
    sender = apprise.Apprise(asset=asset)
    sender.add(service)
    with sender.notify(title=message.title, body=message.body) as result:
        if result:
            return None
        logged = [entry.message for entry in result.logs() if entry.level in ("WARNING", "ERROR")]
    return masked("; ".join(dict.fromkeys(logged)) or "the service did not take it", address.url)


def masked(error: str, url: str) -> str:
    """Return the error with every part of the address that may be secret left out."""
    text = error
    for secret in sorted(_secrets(url), key=len, reverse=True):
        text = text.replace(secret, "***")
    if _STATUS.search(text):
        text += " It redirects, and a redirect is not followed."
    return text[:ERROR_MAX_CHARS]


def _secrets(url: str) -> set[str]:
    """Return the parts of an address that may be secret: all but its scheme, and its host."""
    credentials, _, place = url.partition("://")[2].rpartition("@")
    host, *rest = re.split(r"[/?#]", place)
    parts = [*re.split(r"[/:]", credentials), *rest, *re.split(r"[=&]", urlsplit(url).query)]
    if scheme_of(url) not in NAMES_ITS_HOST:
        parts.append(host)
    both = {*parts, *map(unquote, parts), url}
    return {part for part in both if len(part) >= SECRET_MIN_CHARS}
