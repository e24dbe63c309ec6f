"""Takes the pictures of the documents: `make pictures`. Not collected with the tests."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, ViewportSize

from flagctl.vocabulary import Mode
from tests.browser.conftest import Started
from tests.browser.hand import DESKTOP, PHONE, Hand
from tests.browser.place import Place
from tests.browser.walk import expired_rollback
from tests.guards.tree import ROOT

SAFE, STUB, _REAL = Mode
FOLDER = ROOT / "docs/pictures"
MAX_BYTES = 150_000
OF_THIS_MACHINE = re.compile(r"(?<!\w)/(tmp|var|home|root|work|opt)/")
DESKTOP_SIZE: ViewportSize = {"width": 900, "height": 900}


@pytest.mark.parametrize("way", [DESKTOP, PHONE], ids=lambda way: way.name, indirect=True)
def test_pictures_of_a_rollback(alice: Hand, place: Place, start_runtime: Started) -> None:
    if not alice.way.is_touch:
        alice.page.set_viewport_size(DESKTOP_SIZE)
    start_runtime().wait()
    alice.open("/")
    alice.sees("1 of 1 process heard of on this host follows")
    take(alice.page, f"home-{alice.way.name}")
    alice.tap_link(f"Roll back to {SAFE}")
    alice.type("Incident", "INC-42")
    alice.type("Reason", "submit p99 over 30 s")
    take(alice.page, f"rollback-{alice.way.name}")
    alice.tap_button("Roll back now")
    alice.sees("1 of 1 process heard of on this host follows")
    take(alice.page, f"receipt-{alice.way.name}")


def test_pictures_of_what_comes_after_it(alice: Hand, place: Place, start_runtime: Started) -> None:
    alice.page.set_viewport_size(DESKTOP_SIZE)
    expired_rollback(place)
    start_runtime().wait()
    alice.open("/")
    alice.sees("1 of 1 process heard of on this host follows")
    take(alice.page, "expired-desktop")
    alice.open(f"/raise?mode={STUB}")
    alice.type("Reason", "the policy file is mended")
    take(alice.page, "raise-desktop")
    alice.open("/audit")
    alice.tap_button("Verify now")
    alice.sees("It held over")
    alice.open("/audit?kind=changes+of+flags")
    take(alice.page, "audit-desktop")


@pytest.mark.parametrize("way", [PHONE], ids=lambda way: way.name, indirect=True)
def test_a_picture_of_a_lock(alice: Hand, start_runtime: Started) -> None:
    start_runtime(ZPE_SLURM_ADAPTER=SAFE).wait()
    alice.open(f"/rollback?mode={SAFE}")
    alice.page.locator(".notice.tone-warn").first.scroll_into_view_if_needed()
    take(alice.page, "lock-phone")


def take(page: Page, name: str) -> None:
    FOLDER.mkdir(exist_ok=True)
    path = Path(FOLDER, f"{name}.png")
    page.evaluate("scrollTo(0, 0)")
    assert not OF_THIS_MACHINE.search(page.locator("body").inner_text())
    page.screenshot(path=path, animations="disabled")
    assert path.stat().st_size < MAX_BYTES
