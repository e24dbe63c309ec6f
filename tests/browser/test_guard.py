"""The guard of every browser test would notice."""

import pytest

from tests.browser.guard import Guard
from tests.browser.hand import Hand

OFFENCES = {
    "a complaint": "console.error('gone wrong')",
    "a fault": "setTimeout(() => { throw new Error('gone wrong') })",
    "an inline style": "document.body.setAttribute('style', 'color: red')",
    "a way out": "fetch('http://127.0.0.1:9/').catch(() => {})",
    "a missing file": "fetch('/static/missing.js')",
}


@pytest.mark.parametrize("script", OFFENCES.values(), ids=OFFENCES.keys())
def test_an_offence_is_noticed(stranger: Hand, guard: Guard, script: str) -> None:
    stranger.open("/sign-in")
    assert not guard.complaints
    with stranger.page.expect_event("framenavigated"):
        stranger.page.evaluate(script)
        stranger.page.reload()
    assert guard.complaints
    guard.complaints.clear()
