"""Every page for everybody: by keyboard, on 320 px, without motion, without an axe finding."""

import re

import pytest
from playwright.sync_api import expect

from flagctl.vocabulary import Mode, Role
from tests.browser import axe
from tests.browser.conftest import SignedIn
from tests.browser.hand import DESKTOP, PHONE, WITHOUT_SCRIPT, Hand
from tests.browser.place import Place
from tests.browser.walk import expired_rollback, walk

SAFE, STUB, _REAL = Mode

# What a finger has to hit; a link inside of a sentence is as high as its line.
TOO_SMALL = """() => [...document.querySelectorAll(
    "button, .button, .choice, .bar a, input:not([type=radio]):not([type=hidden]), select")]
    .filter((each) => each.checkVisibility() && each.getBoundingClientRect().height < 43.9)
    .map((each) => each.outerHTML)"""
TOO_WIDE = """() => document.documentElement.scrollWidth <= innerWidth ? [] :
    [...document.querySelectorAll("main *")]
    .filter((each) => each.getBoundingClientRect().right > innerWidth + 1)
    .map((each) => each.outerHTML.slice(0, 200))
    .concat(`${document.documentElement.scrollWidth} px`)"""
MOVING = """() => [...document.querySelectorAll("*")].filter((each) => {
    const style = getComputedStyle(each);
    return style.animationName !== "none" || !/^(0s, )*0s$/.test(style.transitionDuration);
}).map((each) => each.outerHTML.slice(0, 200))"""
FOCUS_IS_SEEN = """() => {
    const style = getComputedStyle(document.activeElement);
    return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
}"""

FOCUSED_IS_BARE = """() => {
    const {left, bottom} = document.activeElement.getBoundingClientRect();
    return document.elementFromPoint(left + 9, bottom - 3) === document.activeElement;
}"""


@pytest.mark.timeout(600)
def test_axe_finds_nothing_on_any_page_in_any_state_and_scheme(
    signed_in: SignedIn, place: Place
) -> None:
    found: list[str] = []
    root = signed_in("root", Role.ADMIN)
    walk(root, place, lambda name: found.extend(f"{name}: {x}" for x in axe.findings(root.page)))
    assert not found, "\n".join(found)


def test_axe_finds_nothing_where_somebody_signs_in(stranger: Hand, place: Place) -> None:
    for path in ("/sign-in", place.link("alice", Role.OPERATOR)):
        stranger.open(path)
        assert not axe.findings(stranger.page)


@pytest.mark.parametrize("environment", ["development"])
def test_axe_finds_nothing_on_the_page_of_every_component_in_every_state(alice: Hand) -> None:
    alice.open("/patterns")
    assert not axe.findings(alice.page)
    alice.page.set_viewport_size({"width": 320, "height": 640})
    assert not alice.page.evaluate(TOO_WIDE)


@pytest.mark.timeout(600)
def test_no_page_scrolls_sideways_at_320_px_and_every_target_is_44_px_high(
    signed_in: SignedIn, place: Place
) -> None:
    found: list[str] = []
    root = signed_in("root", Role.ADMIN, viewport={"width": 320, "height": 640})

    def look(name: str) -> None:
        found.extend(f"{name}: {each}" for each in root.page.evaluate(TOO_WIDE))
        found.extend(f"{name}: {each}" for each in root.page.evaluate(TOO_SMALL))

    walk(root, place, look)
    assert not found, "\n".join(found)


def test_nothing_moves_for_somebody_who_asked_for_less_motion(
    signed_in: SignedIn, place: Place
) -> None:
    expired_rollback(place)
    alice = signed_in(reduced_motion="reduce")
    for path in ("/", "/rollback", "/end"):
        alice.open(path)
        assert not alice.page.evaluate(MOVING)


@pytest.mark.parametrize("way", [PHONE], ids=lambda way: way.name, indirect=True)
def test_no_field_is_hidden_under_the_row_of_buttons_while_it_is_typed_into(alice: Hand) -> None:
    alice.page.set_viewport_size({"width": 390, "height": 500})
    alice.open("/rollback")
    for label in ("Reason", "other, such as", "Owner", "Incident"):
        alice.page.get_by_label(label).focus()
        assert alice.page.evaluate(FOCUSED_IS_BARE), label


@pytest.mark.parametrize("way", [DESKTOP, WITHOUT_SCRIPT], ids=lambda way: way.name, indirect=True)
def test_the_whole_rollback_is_done_by_keyboard(alice: Hand) -> None:
    keys = alice.page.keyboard
    alice.open("/")
    keys.press("Tab")
    expect(alice.page.get_by_role("link", name="Skip to the content")).to_be_focused()
    keys.press("Enter")
    tab_to(alice, f"Roll back to {SAFE}…")
    keys.press("Enter")
    expect(alice.page.get_by_label("Reason")).to_be_focused()
    keys.type("p99")
    tab_to(alice, "Roll back now")
    keys.press("Enter")
    expect(alice.heading()).to_have_text(re.compile(rf"{STUB}.*{SAFE}"))
    expect(alice.heading()).to_be_focused()
    tab_to(alice, "To the first page")
    keys.press("Enter")
    alice.sees(f"rolled back from {STUB}")


def tab_to(hand: Hand, text: str, at_most: int = 15) -> None:
    """Press Tab until that is focused; each stop on the way must be seen to be focused."""
    focused = hand.page.locator(":focus")
    for _ in range(at_most):
        hand.page.keyboard.press("Tab")
        assert hand.page.evaluate(FOCUS_IS_SEEN), focused.evaluate("each => each.outerHTML")
        if focused.inner_text().strip() == text:
            return
    raise AssertionError(f"{text!r} was not reached by {at_most} times Tab")
