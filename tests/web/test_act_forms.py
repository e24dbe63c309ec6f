"""What every form of an act shows beside its fields, and what it is filled with."""

import re
from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Role
from flagctl.web.act_forms import FORMS, Form
from flagctl.web.runbook import rendered

SignIn = Callable[..., TestClient]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.path)
def test_every_dangerous_button_stands_beside_a_link_to_what_the_runbook_says_of_it(
    sign_in: SignIn, rolled_back: ControlStore, form: Form
) -> None:
    page = sign_in("root", Role.ADMIN).get(form.path).text
    assert f'href="/runbook#{form.runbook}"' in page
    assert f'id="{form.runbook}"' in rendered()


def test_the_link_leads_to_the_runbook_of_the_house_where_there_is_one(
    sign_in: SignIn, rolled_back: ControlStore
) -> None:
    web = sign_in(runbook_url="https://wiki.example/slurm")
    assert 'href="https://wiki.example/slurm#roll-back"' in web.get("/rollback").text


def expiries(page: str) -> list[tuple[str, str]]:
    """Each choice of an expiry with what stands beside it."""
    found = re.findall(r'name="expires" value="([^"]*)".*?<span>(.*?)</span>', page, re.DOTALL)
    return [(value, " ".join(re.sub(r"<[^>]+>", "", text).split())) for value, text in found]


@pytest.mark.parametrize(
    ("zone", "morning", "told"),
    [
        ("UTC", "2026-05-01T09:00:00.000000Z", "next 09:00 until 09:00 UTC"),
        (
            "Europe/Berlin",  # where it is 09:25 already
            "2026-05-02T07:00:00.000000Z",
            "next 09:00 until 2026-05-02 07:00 UTC, 09:00 Berlin",
        ),
        (
            "America/New_York",  # where it is 03:25
            "2026-05-01T13:00:00.000000Z",
            "next 09:00 until 13:00 UTC, 09:00 New York",
        ),
    ],
)
def test_an_expiry_is_one_tap_and_the_morning_is_the_persons_own(
    sign_in: SignIn, at_real: ControlStore, zone: str, morning: str, told: str
) -> None:
    web = sign_in()
    web.post("/account/profile", data={"time_zone": zone})
    found = expiries(web.get("/rollback").text)
    assert [value for value, _ in found] == ["1h", "4h", morning, "24h", "other"]
    assert found[2][1] == told


def test_what_was_typed_into_the_address_of_a_form_is_kept_in_it(
    sign_in: SignIn, rolled_back: ControlStore
) -> None:
    typed = {"reason": "fixed in 2.1", "follow_up": "OPS-7"}
    page = sign_in().get("/end", params=typed).text
    assert all(f'value="{value}"' in page for value in typed.values())


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.path)
def test_every_form_says_where_it_acts_and_who_is_signed_in(
    sign_in: SignIn, rolled_back: ControlStore, form: Form
) -> None:
    page = sign_in("root", Role.ADMIN, environment="production").get(form.path).text
    assert "Environment: </span>production" in page
    assert 'class="bar tone-bad"' in page
    assert "in production</span>" in page
    assert "Your account: </span>root" in page
