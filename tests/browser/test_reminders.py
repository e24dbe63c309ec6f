"""Nobody overlooks an expired rollback, and the reminders of it really reach a receiver."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from flagctl.domain.change import RollBack
from flagctl.vocabulary import Mode, Role
from tests.browser import axe
from tests.browser.conftest import SignedIn
from tests.browser.hand import DESKTOP, WITHOUT_SCRIPT, Hand, in_every_way
from tests.browser.place import Place
from tests.browser.serving import Part
from tests.reminders.receiver import Receiver
from tests.waiting import wait_until

HOUR = timedelta(hours=1)
EVERY_PAGE = (
    "/", "/rollback", "/end", "/extend", "/handover", "/cutover?mode=passthrough", "/retire",
    "/flags/1", "/receipts/1", "/audit", "/reminders", "/processes", "/runbook", "/people",
    "/tokens", "/account", "/no-such-page",
)  # fmt: skip


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture
def place(tmp_path: Path, prepared: Path) -> Place:
    """Return a place that no other web process serves: one without a channel would remind too."""
    directory = tmp_path / "data"
    directory.mkdir()
    return Place(directory, prepared)


@pytest.fixture
def admins(receiver: Receiver) -> str:
    return receiver.url("/admins")


@pytest.fixture
def web(place: Place, receiver: Receiver, admins: str, tmp_path: Path) -> Iterator[Part]:
    """Return a web process that tells a real receiver."""
    part = Part(
        "web",
        place.files,
        tmp_path / "web.log",
        FLAGCTL_ENVIRONMENT="production",
        FLAGCTL_NOTIFY_URLS=receiver.url("/ops"),
        FLAGCTL_NOTIFY_ADMIN_URLS=admins,
    )
    yield part
    part.stop()


@pytest.fixture
def expired(place: Place) -> Place:
    """A rollback of bob, expired for two hours."""
    started = datetime.now(UTC) - 3 * HOUR
    change = RollBack(Mode.PASSTHROUGH, "submit p99 over 30 s", started + HOUR, "bob", "INC-42")
    place.act(change, ago=3 * HOUR)
    return place


def part_of(hand: Hand, name: str) -> Locator:
    return hand.page.locator(f"#{name}")


def sees_on_page(hand: Hand, name: str, text: str) -> None:
    """Open the reminders until that part of the page says so."""

    def is_there() -> bool:
        hand.open("/reminders")
        return text in part_of(hand, name).inner_text()

    wait_until(is_there)


@pytest.mark.parametrize("way", [DESKTOP, WITHOUT_SCRIPT], ids=lambda way: way.name, indirect=True)
def test_the_banner_stands_on_every_page_and_nothing_dismisses_it(
    signed_in: SignedIn, expired: Place
) -> None:
    root = signed_in("root", Role.ADMIN)
    for path in EVERY_PAGE:
        root.open(path)
        banner = root.page.get_by_role("region", name="Rollback flag 1 expired")
        expect(banner).to_be_visible()
        expect(banner).to_contain_text(re.compile("Rollback expired 2 h.* ago"))
        expect(banner).to_contain_text("owner bob · extended never")
        expect(banner.get_by_role("link")).to_have_text(["End…", "Extend…", "Hand over…"])
        expect(banner.get_by_role("button")).to_have_count(0)
    if root.way.has_script:
        root.open("/")
        with root.page.expect_response(lambda answer: "hx-request" in answer.request.headers):
            pass
        expect(root.page.locator("#alarms .banner")).to_have_count(1)


@in_every_way()
def test_from_the_third_extension_on_the_administrators_are_told(
    alice: Hand, expired: Place, receiver: Receiver
) -> None:
    for number, times in enumerate(("once", "twice", "3 times"), start=1):
        alice.open("/extend" if number > 1 else "/")
        if number == 1:
            alice.tap(alice.page.get_by_role("link", name="Extend…").first)
        alice.type("Reason", "the vendor is on it")
        alice.choose("1 h")
        alice.tap_button("Extend")
        alice.sees(f"Committed as revision {number + 1}")
        alice.open("/flags/1")
        alice.sees(re.compile(f"extended {times}|extended {number} times"))
    wait_until(lambda: receiver.titles("/admins"))
    assert receiver.titles("/admins") == ["[production] Rollback extended by alice, 3 times by now"]
    sees_on_page(alice, "told", "the administrators' channel")
    expect(part_of(alice, "told")).to_contain_text("delivered")


@in_every_way()
def test_a_handed_over_rollback_has_its_new_owner_everywhere_and_who_stands_in_is_said(
    alice: Hand, expired: Place, receiver: Receiver
) -> None:
    alice.open("/audit")
    alice.tap(alice.page.get_by_role("link", name="Hand over…"))
    alice.type("New owner", "carol")
    alice.type("Reason", "she is on call now")
    alice.tap_button("Hand over")
    alice.sees("Committed as revision 2")
    expect(alice.page.locator(".banner")).to_contain_text("owner carol")
    wait_until(lambda: any("carol answers for a flag now" in each for each in receiver.titles()))
    sees_on_page(alice, "told", "carol, the owner, is not among the people")


@in_every_way()
def test_a_rollback_ends_with_a_follow_up_that_is_open_until_somebody_closes_it(
    alice: Hand, expired: Place
) -> None:
    alice.open("/reminders")
    alice.tap(alice.page.get_by_role("link", name="End…", exact=True))
    alice.type("Reason", "the queue is bigger now")
    alice.type("Follow-up", "OPS-7")
    alice.tap_button("End the rollback")
    alice.sees("Committed as revision 2")
    expect(alice.page.locator(".banner")).to_have_count(0)
    alice.open("/reminders")
    left = part_of(alice, "follow-ups")
    expect(left).to_contain_text("OPS-7")
    alice.type("What was done about it", "limits raised, alert added")
    alice.tap_button("Close the follow-up of flag 1")
    expect(left).to_contain_text("Nothing is left to be done.")
    alice.open("/audit")
    alice.sees(re.compile("alice.* closed .*follow-up"))


@pytest.mark.parametrize("admins", ["syslog://localhost"])
@in_every_way()
def test_the_page_shows_what_the_receiver_took_and_what_failed_with_its_reason(
    alice: Hand, place: Place, receiver: Receiver
) -> None:
    started = datetime.now(UTC) - 7 * HOUR
    place.act(RollBack(Mode.PASSTHROUGH, "p99", started + HOUR, "bob"), ago=7 * HOUR)
    wait_until(lambda: any("expired 6 h" in each for each in receiver.titles()))
    sees_on_page(alice, "failed", "the scheme syslog:// is not allowed")
    expect(part_of(alice, "told")).to_contain_text("flag 1, 4 hours after")
    expect(part_of(alice, "told")).to_contain_text("json://127.0.0.1")
    expect(part_of(alice, "told")).to_contain_text("delivered")
    if alice.way is DESKTOP:
        assert not axe.findings(alice.page)
    alice.open("/processes")
    failure = alice.page.get_by_role("region", name="Failed reminders")
    expect(failure).to_contain_text("the scheme syslog:// is not allowed")
    alice.tap(failure.get_by_role("link"))
    alice.tap_button("I have seen")
    expect(part_of(alice, "failed")).to_contain_text("Nothing has failed")
    expect(failure).to_have_count(0)
    alice.tap_button("Acknowledge")
    expect(part_of(alice, "due")).to_contain_text("it is held until")
