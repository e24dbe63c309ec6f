"""What is done with a rollback until it ends, each from the first page."""

import re

import pytest
from playwright.sync_api import expect

from flagctl.domain.change import RollBack
from flagctl.vocabulary import Mode
from tests.browser.conftest import Started
from tests.browser.hand import Hand, in_every_way
from tests.browser.place import Place

SAFE, STUB, REAL = Mode


@pytest.fixture
def rolled_back(place: Place) -> Place:
    place.act(RollBack(SAFE, "p99", owner="bob"))
    return place


@in_every_way()
def test_a_rollback_is_extended(alice: Hand, rolled_back: Place) -> None:
    alice.open("/")
    alice.tap_link("Extend")
    alice.type("Reason", "the fix is being built")
    alice.choose("24 h")
    alice.tap_button("Extend")
    expect(alice.heading()).to_have_text("Done")
    alice.sees("extended the rollback (extension 1) as revision 2")
    alice.tap_link("To the first page")
    alice.sees("extended once")


@in_every_way()
def test_a_rollback_is_handed_over(alice: Hand, rolled_back: Place) -> None:
    alice.open("/")
    alice.tap_link("Hand over")
    alice.type("New owner", "carol")
    alice.type("Reason", "end of my shift")
    alice.tap_button("Hand over")
    alice.sees("handed the flag over from bob to carol")
    alice.tap_link("The flag's whole life")
    expect(alice.page.locator("dd").first).to_have_text("carol")


@in_every_way()
def test_a_rollback_goes_further_down(alice: Hand, place: Place) -> None:
    place.cut_over_to_real()
    place.act(RollBack(STUB, "p99"))
    alice.open("/")
    alice.tap_link(f"Roll back further to {SAFE}")
    alice.type("Reason", "the policy is wrong too")
    alice.tap_button("Roll back now")
    expect(alice.heading()).to_have_text(re.compile(rf"{STUB}.*{SAFE}"))
    alice.open("/flags/2")
    alice.sees("Superseded by")


@in_every_way()
def test_a_rollback_is_raised_part_of_the_way(alice: Hand, place: Place) -> None:
    place.cut_over_to_real()
    place.act(RollBack(SAFE, "p99"))
    alice.open("/")
    alice.tap_link(f"Raise the rollback to {STUB}")
    expect(alice.page.locator(".change")).to_have_text(re.compile(rf"{SAFE}.*{STUB}"))
    alice.type("Reason", "the policy is right again")
    alice.tap_button("Raise the rollback")
    expect(alice.heading()).to_have_text(re.compile(rf"{SAFE}.*{STUB}"))


@in_every_way()
def test_a_rollback_is_ended_with_a_follow_up_and_submissions_go_the_old_way_again(
    alice: Hand, rolled_back: Place, start_runtime: Started
) -> None:
    runtime = start_runtime()
    assert runtime.adapter_of("before") == SAFE
    alice.open("/")
    alice.tap_link("End the rollback")
    alice.type("Reason", "fixed in 2.1")
    alice.type("Follow-up", "OPS-7")
    alice.tap_button("End the rollback")
    expect(alice.heading()).to_have_text(re.compile(rf"{SAFE}.*{STUB}"))
    alice.sees_soon("1 of 1 process heard of on this host follows")
    assert runtime.adapter_of("after") == STUB
    alice.tap_link("The flag's whole life")
    alice.sees("OPS-7")


def test_an_end_says_what_comes_after_it_or_is_not_taken(alice: Hand, rolled_back: Place) -> None:
    alice.open("/end")
    alice.type("Reason", "fixed in 2.1")
    assert alice.post("End the rollback") == 422
    expect(alice.page.get_by_label("Reason")).to_have_value("fixed in 2.1")
    assert rolled_back.revision == 1
