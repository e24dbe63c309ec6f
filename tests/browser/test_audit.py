"""The trail tells all of it, and hands out exactly what is filtered."""

import csv
import json
from datetime import UTC, datetime

from playwright.sync_api import expect

from flagctl.domain.change import Actor, Extend, RollBack
from flagctl.domain.fields import expiry
from flagctl.vocabulary import Action, Door, Mode, Role
from tests.browser.hand import Hand, in_every_way
from tests.browser.place import Place

BOB = Actor("person:bob", Role.OPERATOR, Door.WEB)


def prepared(place: Place) -> None:
    place.act(RollBack(Mode.PASSTHROUGH, "p99", owner="bob"), BOB)
    now = datetime.now(UTC)
    place.act(Extend(expiry("2h", now), "the fix is late", 1), BOB)


def exported(hand: Hand, form: str) -> str:
    with hand.page.expect_download() as info:
        hand.tap_link(form)
    return info.value.path().read_text(encoding="utf-8")


@in_every_way()
def test_the_trail_tells_every_act_and_exports_exactly_what_is_filtered(
    alice: Hand, place: Place
) -> None:
    prepared(place)
    alice.open("/rollback?mode=passthrough")
    alice.type("Reason", "again")
    alice.tap_button("Roll back now")
    expect(alice.heading()).to_have_text("It was so already")
    alice.tap_link("Audit")
    told = alice.page.locator(".trail li")
    expect(told).to_have_count(4)
    expect(told.nth(0)).to_contain_text("alice")
    expect(told.nth(0)).to_contain_text("nothing was changed")
    expect(told.nth(1)).to_contain_text("bob (person:bob) extended the rollback")
    expect(told.nth(2)).to_contain_text("bob (person:bob) rolled back stub-policy → passthrough")
    alice.tap(alice.page.get_by_text("Filter", exact=True).first)
    alice.type("Person", "bob")
    alice.page.get_by_label("Action").select_option(Action.EXTEND)
    alice.tap_button("Filter")
    expect(told).to_have_count(1)
    expect(alice.page.get_by_label("Person")).to_have_value("bob")
    rows = list(csv.DictReader(exported(alice, "csv").splitlines()))
    assert [(row["actor"], row["action"], row["reason"]) for row in rows] == [
        ("person:bob", "extend", "the fix is late")
    ]
    lines = exported(alice, "jsonl").splitlines()
    assert [json.loads(line)["action"] for line in lines] == ["extend"]
    alice.tap_link("Show all")
    expect(told).to_have_count(4)


def test_older_and_newer_pages_meet_without_a_gap(alice: Hand, place: Place) -> None:
    now = datetime.now(UTC)
    place.act(RollBack(Mode.PASSTHROUGH, "p99"))
    for number in range(1, 60):
        place.act(Extend(expiry("2h", now), f"extension number {number}.", number))
    alice.open("/audit")
    expect(alice.page.locator(".trail li")).to_have_count(50)
    alice.tap_link("Older")
    alice.sees("extension number 9.")
    alice.sees("extension number 1.")
    alice.sees_not("extension number 10.")
    alice.tap_link("Newer")
    alice.sees("extension number 10.")
    alice.sees("extension number 59.")
    alice.sees_not("extension number 9.")


def test_a_filter_that_cannot_be_read_is_kept_and_told(alice: Hand) -> None:
    assert alice.open("/audit?since=yesterday").status == 422
    alice.sees("is no time")
    expect(alice.page.get_by_label("From")).to_have_value("yesterday")


@in_every_way()
def test_the_chain_is_verified_from_the_page_which_says_what_was_found(
    alice: Hand, place: Place
) -> None:
    prepared(place)
    alice.open("/audit")
    chain = alice.page.locator("#chain")
    expect(chain).to_contain_text("No verification is on record")
    alice.tap_button("Verify now")
    expect(chain).to_be_focused()
    alice.sees_soon("It held over 3 events; 0 events came after.")
    expect(chain).to_contain_text("by person:alice")
