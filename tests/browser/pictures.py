"""Takes the pictures of the documents: `make pictures`. Not collected with the tests."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, ViewportSize

from flagctl.vocabulary import Mode
from tests.browser.conftest import Started
from tests.browser.hand import DESKTOP, PHONE, Hand
from tests.browser.place import Place
from tests.guards.tree import ROOT

SAFE, STUB, _REAL = Mode
FOLDER = ROOT / "docs/pictures"
MAX_BYTES = 150_000
DESKTOP_SIZE: ViewportSize = {"width": 900, "height": 760}


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


def take(page: Page, name: str) -> None:
    FOLDER.mkdir(exist_ok=True)
    path = Path(FOLDER, f"{name}.png")
    page.evaluate("scrollTo(0, 0)")
    page.screenshot(path=path, animations="disabled")
    assert path.stat().st_size < MAX_BYTES
