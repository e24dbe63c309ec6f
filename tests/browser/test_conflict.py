"""Two people act at once; the slower one is told, and decides again."""

import re

from playwright.sync_api import expect

from flagctl.domain.change import RollBack
from flagctl.vocabulary import Mode
from tests.browser.conftest import SignedIn
from tests.browser.hand import Hand, in_every_way
from tests.browser.place import Place

SAFE, STUB, _REAL = Mode


@in_every_way()
def test_a_stale_page_is_told_what_changed_and_by_whom_and_its_author_decides_again(
    alice: Hand, signed_in: SignedIn, place: Place
) -> None:
    place.act(RollBack(SAFE, "p99", owner="carol"))
    bob = signed_in("bob")
    alice.open("/end")
    bob.open("/handover")
    bob.type("New owner", "dave")
    bob.type("Reason", "he knows it best")
    assert bob.post("Hand over") == 303
    alice.type("Reason", "fixed in 2.1")
    alice.type("Follow-up", "OPS-7")
    assert alice.post("End the rollback") == 412
    told = alice.page.get_by_role("alert").filter(visible=True)
    expect(told).to_be_focused()
    expect(told).to_contain_text("revision 1 is now 2")
    expect(told).to_contain_text("handed the flag over from carol to dave")
    expect(told).to_contain_text("bob")
    expect(alice.page.get_by_label("Reason")).to_have_value("fixed in 2.1")
    expect(alice.page.get_by_label("Follow-up")).to_have_value("OPS-7")
    assert place.revision == 2
    alice.tap_button("End the rollback")
    expect(alice.heading()).to_have_text(re.compile(rf"{SAFE}.*{STUB}"))
    alice.sees("Committed as revision 3")


def test_a_receipt_says_that_more_was_changed_since(
    alice: Hand, signed_in: SignedIn, place: Place
) -> None:
    place.act(RollBack(SAFE, "p99", owner="carol"))
    alice.open("/extend")
    alice.type("Reason", "longer")
    alice.tap_button("Extend")
    alice.sees("Committed as revision 2")
    receipt = alice.page.url
    bob = signed_in("bob")
    bob.open("/extend")
    bob.type("Reason", "longer still")
    assert bob.post("Extend") == 303
    alice.page.goto(receipt)
    alice.sees("Since then more was changed: now it is revision 3")
