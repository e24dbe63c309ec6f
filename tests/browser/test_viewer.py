"""A viewer sees everything and changes nothing."""

import pytest
from playwright.sync_api import expect

from flagctl.domain.change import RollBack
from flagctl.vocabulary import Mode, Role
from flagctl.web.act_forms import FORMS
from tests.browser.conftest import SignedIn
from tests.browser.hand import Hand, in_every_way
from tests.browser.place import Place

PAGES = ("/", "/audit", "/processes", "/runbook", "/flags/1", "/flags/2", "/account")
ADMINISTRATORS_PAGES = ("/people", "/tokens")
FILLED = {
    "mode": "passthrough",
    "reason": "x",
    "owner": "vera",
    "expires": "1h",
    "follow_up": "OPS-7",
    "revision": "2",
}


@pytest.fixture
def vera(signed_in: SignedIn, place: Place) -> Hand:
    place.cut_over_to_real()
    place.act(RollBack(Mode.STUB_POLICY, "p99", owner="bob"))
    return signed_in("vera", Role.VIEWER)


@in_every_way()
def test_a_viewer_sees_every_page_and_no_way_to_act(vera: Hand) -> None:
    for path in PAGES:
        assert vera.open(path).status == 200
    vera.open("/")
    vera.sees("You may look at everything and change nothing.")
    for form in FORMS:
        expect(vera.page.locator(f"main a[href^='{form.path}']")).to_have_count(0)
    for path in ADMINISTRATORS_PAGES:
        assert vera.open(path).status == 403


@in_every_way()
def test_a_viewer_who_opens_the_form_of_an_act_is_told_why_its_button_is_off(vera: Hand) -> None:
    for form in FORMS:
        vera.open(form.path)
        expect(vera.page.get_by_role("button", name=form.button)).to_be_disabled()
        expect(vera.page.locator("#refusal")).to_be_visible()


def test_a_form_that_a_viewer_sends_anyway_is_refused_and_changes_nothing(
    vera: Hand, place: Place
) -> None:
    for form in FORMS:
        vera.open("/")
        assert sent(vera, form.path) == 403
        vera.sees("viewer")
    assert place.revision == 2


def sent(hand: Hand, path: str) -> int:
    """Send a form of our own making from the page, as a browser sends one."""
    with hand.page.expect_response(lambda answer: answer.request.method == "POST") as info:
        hand.page.evaluate(
            """([path, fields]) => {
                const form = document.createElement("form");
                form.method = "post";
                form.action = path;
                for (const [name, value] of Object.entries(fields)) {
                    const input = document.createElement("input");
                    Object.assign(input, {type: "hidden", name, value});
                    form.append(input);
                }
                document.body.append(form);
                form.submit();
            }""",
            [path, FILLED],
        )
    return info.value.status
