"""A page that can no longer be refreshed says so, until it can again."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.guard import Guard
from tests.browser.hand import DESKTOP, PHONE, Hand
from tests.browser.place import Place

OLD = "This page could not be refreshed: what it shows may be old."


@pytest.mark.parametrize("way", [DESKTOP, PHONE], ids=lambda way: way.name, indirect=True)
def test_the_first_page_says_when_it_is_old_and_stops_saying_it(alice: Hand, guard: Guard) -> None:
    alice.open("/")
    expect(alice.page.get_by_text(OLD)).to_be_hidden()
    alice.page.context.set_offline(True)
    alice.sees(OLD)
    alice.page.context.set_offline(False)
    expect(alice.page.get_by_text(OLD)).to_be_hidden()
    forget_that_it_was_offline(guard)


def test_a_server_in_trouble_leaves_what_was_seen_and_says_that_it_is_old(
    alice: Hand, place: Place, guard: Guard
) -> None:
    alice.open("/")
    seen = alice.page.locator(".big").inner_text()
    away = place.files.control.rename(place.files.directory / "away")
    alice.sees(OLD)
    expect(alice.page.locator(".big")).to_have_text(seen)
    away.rename(place.files.control)
    expect(alice.page.get_by_text(OLD)).to_be_hidden()
    forget_that_it_was_offline(guard)


def forget_that_it_was_offline(guard: Guard) -> None:
    """Keep every other complaint."""
    expected = re.compile(r"ERR_INTERNET_DISCONNECTED|^503 for |Failed to fetch|htmx")
    guard.complaints[:] = [each for each in guard.complaints if not expected.search(each)]
