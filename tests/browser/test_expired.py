"""A rollback past its expiry stays, and says so until somebody acts."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from flagctl.domain.change import Extend, RollBack
from flagctl.vocabulary import Mode, Role
from tests.browser.conftest import SignedIn
from tests.browser.hand import Hand, in_every_way
from tests.browser.place import Place

AGO = timedelta(hours=3)
EXPIRED = "Rollback flag 1 expired"


@pytest.fixture
def expired(place: Place) -> Place:
    started = datetime.now(UTC) - AGO
    place.act(RollBack(Mode.PASSTHROUGH, "p99", started + timedelta(hours=1), owner="bob"), ago=AGO)
    place.act(Extend(started + timedelta(hours=2), "late", 1), ago=AGO)
    return place


@in_every_way()
def test_an_expired_rollback_names_its_owner_and_offers_three_acts_until_one_is_done(
    alice: Hand, expired: Place
) -> None:
    alice.open("/")
    banner = alice.page.get_by_role("region", name=EXPIRED)
    expect(banner).to_contain_text(re.compile("Rollback expired 1 h.* ago"))
    expect(banner).to_contain_text("owner bob · extended once")
    expect(banner.get_by_role("link")).to_have_text(["End…", "Extend…", "Hand over…"])
    alice.tap(banner.get_by_role("link", name="Extend"))
    alice.type("Reason", "the fix is late")
    alice.tap_button("Extend")
    alice.sees("Committed as revision 3")
    alice.open("/")
    expect(banner).to_have_count(0)


def test_a_viewer_is_warned_too_without_the_acts(signed_in: SignedIn, expired: Place) -> None:
    vera = signed_in("vera", Role.VIEWER)
    vera.open("/")
    banner = vera.page.get_by_role("region", name=EXPIRED)
    expect(banner).to_be_visible()
    expect(banner.get_by_role("link")).to_have_count(0)
