"""The first way in, and every later one."""

import re

from playwright.sync_api import expect

from flagctl.vocabulary import Role
from tests.browser.hand import Hand, in_every_way
from tests.browser.place import Place

PASSWORD = "four words in a row"


@in_every_way()
def test_a_one_time_link_sets_a_password_and_the_password_signs_in_from_then_on(
    stranger: Hand, place: Place
) -> None:
    link = place.link("alice", Role.OPERATOR)
    stranger.open(link)
    expect(stranger.heading()).to_have_text("Welcome, alice")
    stranger.type("Password", PASSWORD)
    stranger.type("The same again", PASSWORD)
    stranger.tap_button("Set the password and sign in")
    expect(stranger.heading()).to_have_text("By flags")
    stranger.tap_link("Your account: alice")
    stranger.tap_button("Sign out here")
    expect(stranger.heading()).to_have_text("Sign in")
    assert stranger.open(link).status == 404
    stranger.open("/audit")
    expect(stranger.heading()).to_have_text("Sign in")
    stranger.type("Name", "alice")
    stranger.type("Password", PASSWORD)
    stranger.tap_button("Sign in")
    expect(stranger.page).to_have_url(re.compile("/audit$"))


def test_a_password_that_is_too_short_is_told_and_the_link_still_works(
    stranger: Hand, place: Place
) -> None:
    stranger.open(place.link("alice", Role.OPERATOR))
    stranger.type("Password", "short")
    stranger.type("The same again", "short")
    assert stranger.post("Set the password and sign in") == 422
    stranger.type("Password", PASSWORD)
    stranger.type("The same again", PASSWORD)
    assert stranger.post("Set the password and sign in") == 303


def test_a_session_that_is_over_leads_back_to_the_form_with_what_was_typed(
    alice: Hand, place: Place
) -> None:
    alice.open("/rollback")
    alice.type("Reason", "submit p99 over 30 s")
    place.change_password("alice", PASSWORD)
    alice.tap_button("Roll back now")
    expect(alice.heading()).to_have_text("Sign in")
    alice.type("Name", "alice")
    alice.type("Password", PASSWORD)
    alice.tap_button("Sign in")
    expect(alice.page.get_by_label("Reason")).to_have_value("submit p99 over 30 s")
