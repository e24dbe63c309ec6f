"""Whatever is typed is text: on every page, and in what is exported."""

import csv

import pytest
from playwright.sync_api import expect

from flagctl.vocabulary import Role
from tests.browser.conftest import SignedIn
from tests.browser.hand import Hand

HOSTILE = {
    "markup": "=1+1<b>x</b><img src=x onerror=document.title=1>\"'><script>1</script>{{ 7 * 7 }}",
    "script": "\u202eesrever\u202c שלום \u200fعرب 🚒 𠜎𡃁 👩\u200d🚒",
}
MADE = "script:not([src]), b, img, [onerror]"


@pytest.fixture(params=list(HOSTILE.values()), ids=list(HOSTILE))
def text(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def shows(hand: Hand, path: str, *texts: str) -> None:
    hand.open(path)
    for each in texts:
        hand.sees(each)
    expect(hand.page.locator(MADE)).to_have_count(0)
    assert "flagctl" in hand.page.title()


def test_what_is_typed_into_any_field_of_an_act_is_text_everywhere(
    signed_in: SignedIn, text: str
) -> None:
    name = f"eve {text}"
    eve = signed_in(name, Role.ADMIN)
    eve.open("/rollback")
    for label in ("Reason", "Owner", "Incident"):
        eve.type(label, f"{text} {label}")
    eve.tap_button("Roll back now")
    eve.page.wait_for_url("**/receipts/*")
    shows(eve, eve.page.url, f"{text} Reason", f"{text} Incident")
    for path in ("/", "/flags/1"):
        shows(eve, path, f"{text} Reason", f"{text} Owner", f"{text} Incident", name)
    shows(eve, "/audit", f"{text} Reason", name)
    shows(eve, "/end", "End the rollback")
    eve.type("Reason", f"{text} end")
    eve.type("Follow-up", f"{text} link")
    eve.tap_button("End the rollback")
    eve.page.wait_for_url("**/receipts/*")
    shows(eve, "/flags/1", f"{text} end", f"{text} link")
    assert_exported_as_text(eve, f"{text} Reason")


def assert_exported_as_text(hand: Hand, reason: str) -> None:
    hand.open("/audit")
    with hand.page.expect_download() as info:
        hand.tap_link("csv")
    with info.value.path().open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    cells = [cell for row in rows for cell in row.values()]
    assert not [cell for cell in cells if cell.lstrip(" ").startswith(("=", "+", "-", "@"))]
    assert reason in [row["reason"].removeprefix("'") for row in rows]


def test_what_is_typed_wrongly_comes_back_as_text(alice: Hand, text: str) -> None:
    alice.open("/rollback")
    alice.type("Reason", text)
    alice.choose("other")
    alice.type("other, such as", text[:40])
    assert alice.post("Roll back now") == 422
    expect(alice.page.get_by_label("Reason")).to_have_value(text)
    alice.sees("can't be read")
    expect(alice.page.locator(MADE)).to_have_count(0)


def test_names_of_people_and_tokens_are_text(signed_in: SignedIn, text: str) -> None:
    root = signed_in("root", Role.ADMIN)
    root.open("/people")
    root.type("Name", text)
    root.tap_button("Let in and make a sign-in link")
    shows_secret_for(root, text)
    shows(root, "/people", text)
    root.open("/tokens")
    root.type("Name", text)
    root.type("Tenant", f"{text} tenant")
    root.tap(root.page.get_by_role("button", name="Issue"))
    shows_secret_for(root, text)
    shows(root, "/tokens", f"{text} tenant")
    shows(root, "/audit?kind=people+and+tokens", text)


def shows_secret_for(hand: Hand, name: str) -> None:
    expect(hand.heading()).to_contain_text(name)
    expect(hand.page.locator(MADE)).to_have_count(0)
