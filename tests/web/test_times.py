"""Times on pages: relative, in UTC, and beside it where the person is."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from flagctl.store.writing import ControlStore
from tests.web.conftest import MovedClock

SignIn = Callable[..., TestClient]


def living_in(web: TestClient, zone: str) -> TestClient:
    assert web.post("/account/profile", data={"time_zone": zone}).status_code == 303
    return web


def test_a_time_is_told_in_utc_and_where_the_person_is(
    sign_in: SignIn, rolled_back: ControlStore, clock: MovedClock
) -> None:
    web = living_in(sign_in(), "Europe/Berlin")
    clock.move(timedelta(minutes=38))
    page = web.get("/").text
    assert "in 3 h 22 min (11:25 UTC, 13:25 Berlin)" in page
    assert 'title="2026-05-01 11:25:00 UTC, 2026-05-01 13:25:00 Europe/Berlin"' in page
    assert ">07:25 UTC, 09:25 Berlin</time>" in web.get("/audit").text


@pytest.mark.parametrize(
    ("zone", "told"),
    [
        ("UTC", "(11:25 UTC)"),
        ("Etc/UTC", "(11:25 UTC)"),
        ("America/New_York", "(11:25 UTC, 07:25 New York)"),
        ("Etc/GMT+1", "(11:25 UTC, 10:25 Etc/GMT+1)"),
        ("Pacific/Kiritimati", "(11:25 UTC, 2026-05-02 01:25 Kiritimati)"),
        ("Pacific/Pago_Pago", "(11:25 UTC, 00:25 Pago Pago)"),
    ],
)
def test_no_zone_is_left_to_be_guessed(
    sign_in: SignIn, rolled_back: ControlStore, zone: str, told: str
) -> None:
    assert told in living_in(sign_in(), zone).get("/").text


def test_each_person_gets_their_own_clock(sign_in: SignIn, rolled_back: ControlStore) -> None:
    berlin, nowhere = living_in(sign_in(), "Europe/Berlin"), sign_in("bob")
    assert "Berlin" in berlin.get("/").text
    assert "Berlin" not in nowhere.get("/").text


def test_what_may_be_chosen_as_an_expiry_says_when_that_is_here(
    sign_in: SignIn, rolled_back: ControlStore
) -> None:
    page = living_in(sign_in(), "Europe/Berlin").get("/extend").text
    assert "until 08:25 UTC, 10:25 Berlin" in page
    assert "until 2026-05-02 07:00 UTC, 09:00 Berlin" in page
