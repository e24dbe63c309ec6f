"""The impact strip in a browser: with a script it refreshes, without one it is all there."""

import re
from datetime import UTC, datetime

from playwright.sync_api import expect

from flagctl.domain.change import RollBack
from flagctl.vocabulary import Mode
from tests.browser.conftest import Started
from tests.browser.hand import Hand, in_every_way
from tests.browser.place import Place
from tests.counting import an_hour, key

SAFE, STUB, _REAL = Mode


@in_every_way()
def test_a_person_sees_the_hour_its_flip_and_the_numbers(alice: Hand, place: Place) -> None:
    place.act(RollBack(SAFE, "p99"))
    now = datetime.now(UTC)
    place.count({**an_hour(now, revision=0), key(now, SAFE, revision=1): 3})
    alice.open("/")
    picture = alice.page.get_by_role("img", name=re.compile(r"resolutions, errors .*; 1 flip"))
    expect(picture).to_be_visible()
    expect(picture.locator(".flip title")).to_have_text(re.compile("errors .* → "))
    table = alice.page.get_by_role("table")
    expect(table).to_be_hidden()
    alice.tap(alice.page.get_by_text("The numbers, minute by minute"))
    expect(table).to_be_visible()
    expect(table.get_by_role("row")).not_to_have_count(0)
    alice.open("/flags/1")
    expect(alice.page.get_by_role("heading", name="Resolutions before and after")).to_be_visible()
    alice.sees("before and")


def test_new_counts_come_by_themselves_and_the_table_stays_open(alice: Hand, place: Place) -> None:
    place.count({key(datetime.now(UTC)): 1})
    alice.open("/")
    alice.tap(alice.page.get_by_text("The numbers, minute by minute"))
    alice.sees(": 1 resolution,")
    place.count({key(datetime.now(UTC)): 41})
    alice.sees(": 42 resolutions,")
    expect(alice.page.get_by_role("table")).to_be_visible()
    place.act(RollBack(SAFE, "p99"))
    expect(alice.page.locator("svg.strip .flip")).to_have_count(1)
    expect(alice.page.get_by_role("table")).to_be_visible()


def test_what_a_runtime_resolves_is_seen_on_the_first_page(
    alice: Hand, start_runtime: Started
) -> None:
    runtime = start_runtime()
    for job in ("job-1", "job-2"):
        assert runtime.adapter_of(job) == STUB
    alice.open("/")
    alice.sees(": 2 resolutions, errors 0 %, denied 0 %; 0 flips.")
    expect(alice.page.locator("svg.strip .resolved")).not_to_have_count(0)
