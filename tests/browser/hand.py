"""A person at a browser: what they open, tap, type and see."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Response, expect

from tests.waiting import wait_until

NARROW = {"width": 390, "height": 844}


@dataclass(frozen=True)
class Way:
    """How somebody reaches the pages."""

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def has_script(self) -> bool:
        return bool(self.options.get("java_script_enabled", True))

    @property
    def is_touch(self) -> bool:
        return bool(self.options.get("has_touch"))


NO_SCRIPT = {"java_script_enabled": False}
IN_THE_HAND = {
    "viewport": NARROW,
    "has_touch": True,
    "is_mobile": True,
    "color_scheme": "dark",
}
DESKTOP = Way("desktop")
WITHOUT_SCRIPT = Way("desktop without script", NO_SCRIPT)
PHONE = Way("phone", IN_THE_HAND)
PHONE_WITHOUT_SCRIPT = Way("phone without script", {**IN_THE_HAND, **NO_SCRIPT})
WAYS = (DESKTOP, WITHOUT_SCRIPT, PHONE)


def in_every_way(*ways: Way) -> pytest.MarkDecorator:
    """Run a test in each of the three ways, and in those that are given besides."""
    every = [*WAYS, *ways]
    return pytest.mark.parametrize("way", every, ids=lambda way: way.name, indirect=True)


class Hand:
    """Drives one page in one way, and counts the taps."""

    def __init__(self, page: Page, way: Way) -> None:
        self.page = page
        self.way = way
        self.taps = 0

    def open(self, path: str) -> Response:
        answer = self.page.goto(path)
        assert answer is not None
        return answer

    def tap(self, target: Locator) -> None:
        self.taps += 1
        if self.way.is_touch:
            target.tap()
        else:
            target.click()

    def tap_link(self, name: str | re.Pattern[str]) -> None:
        self.tap(self.page.get_by_role("link", name=name))

    def tap_button(self, name: str) -> None:
        self.tap(self.page.get_by_role("button", name=name))

    def type(self, label: str, text: str) -> None:
        self.page.get_by_label(label, exact=False).fill(text)

    def choose(self, label: str) -> None:
        self.tap(self.page.get_by_role("radio", name=re.compile(f"^{label}")))

    def post(self, button: str) -> int:
        """Tap a button that sends a form; return the status of the answer, once it is shown."""
        with (
            self.page.expect_event("domcontentloaded"),
            self.page.expect_response(lambda answer: answer.request.method == "POST") as info,
        ):
            self.tap_button(button)
        return info.value.status

    def heading(self) -> Locator:
        return self.page.get_by_role("heading", level=1)

    def sees(self, text: str | re.Pattern[str]) -> None:
        expect(self.page.get_by_text(text).filter(visible=True).first).to_be_visible()

    def sees_not(self, text: str) -> None:
        expect(self.page.get_by_text(text)).to_have_count(0)

    def sees_soon(self, text: str) -> None:
        """See what the page brings by itself, or, without a script, when it is asked again."""
        if self.way.has_script:
            self.sees(text)
            return
        found = self.page.get_by_text(text).first

        def is_there() -> bool:
            if not found.is_visible():
                self.tap_link("Look again")
            return found.is_visible()

        wait_until(is_there)
