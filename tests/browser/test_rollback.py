"""Rolling back, as somebody does who was woken up for it."""

import re

from playwright.sync_api import expect

from flagctl.vocabulary import Mode
from tests.browser.conftest import Started
from tests.browser.hand import PHONE_WITHOUT_SCRIPT, Hand, in_every_way

SAFE, STUB, _REAL = Mode
FOLLOWS = "1 of 1 process heard of on this host follows"


@in_every_way(PHONE_WITHOUT_SCRIPT)
def test_three_taps_and_one_field_roll_back_a_runtime_and_the_receipt_shows_it(
    alice: Hand, start_runtime: Started
) -> None:
    runtime = start_runtime()
    assert runtime.adapter_of("before") == STUB
    alice.open("/")
    alice.sees(FOLLOWS)
    alice.tap_link(f"Roll back to {SAFE}")
    expect(alice.page.locator("[required]")).to_have_count(1)
    expect(alice.page.get_by_label("Owner")).to_have_value("alice")
    expect(alice.page.get_by_role("radio", name=re.compile("^4 h"))).to_be_checked()
    alice.type("Reason", "submit p99 over 30 s")
    alice.tap_button("Roll back now")
    expect(alice.heading()).to_have_text(re.compile(rf"{STUB}.*{SAFE}"))
    assert alice.taps <= 3
    alice.sees("Committed as revision 1")
    alice.sees_soon(FOLLOWS)
    assert runtime.adapter_of("after") == SAFE
    line = alice.page.locator("#incident-line")
    expect(line).to_have_text(re.compile(rf"UTC production {STUB} → {SAFE} by alice, rev 1, 1/1"))


def test_a_rollback_without_a_reason_comes_back_with_what_was_typed_and_the_focus_on_why(
    alice: Hand,
) -> None:
    alice.open("/rollback")
    alice.type("Incident", "INC-42")
    alice.type("Reason", " ")
    assert alice.post("Roll back now") == 422
    expect(alice.page.get_by_role("alert").filter(visible=True)).to_be_focused()
    expect(alice.page.get_by_label("Reason")).to_have_attribute("aria-invalid", "true")
    expect(alice.page.get_by_label("Incident")).to_have_value("INC-42")


def test_the_line_for_the_incident_channel_is_copied_by_its_button(alice: Hand) -> None:
    alice.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    alice.open("/rollback")
    alice.type("Reason", "p99")
    alice.tap_button("Roll back now")
    alice.tap_button("Copy")
    expect(alice.page.get_by_role("button", name="Copied")).to_be_visible()
    copied = alice.page.evaluate("navigator.clipboard.readText()")
    assert copied == alice.page.locator("#incident-line").inner_text()
