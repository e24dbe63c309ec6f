"""What nobody may overlook stands on every page, and nobody can dismiss it."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from flagctl.domain.change import Extend, RollBack
from flagctl.domain.gate import Facts
from flagctl.domain.reminder_words import Recipient, ReminderKind
from flagctl.store import outbox
from flagctl.store.files import DataFiles
from flagctl.store.outbox import NewDelivery, NewReminder
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Mode, Role
from tests.web.conftest import ROOT, MovedClock
from tests.web.test_reminders_page import fail_a_delivery

SignIn = Callable[..., TestClient]

PAGES = (
    "/", "/rollback", "/raise", "/end", "/extend", "/handover", "/cutover", "/retire", "/flags/2",
    "/receipts/1", "/audit", "/audit?since=yesterday", "/reminders", "/processes", "/runbook",
    "/people", "/tokens", "/account", "/patterns", "/no-such-page",
)  # fmt: skip


@pytest.fixture
def expired(at_real: ControlStore, clock: MovedClock) -> ControlStore:
    at_real.apply(RollBack(Mode.PASSTHROUGH, "p99", owner="bob"), ROOT, Facts())
    until = clock() + timedelta(hours=1)
    at_real.apply(Extend(until, "still open", 2), ROOT, Facts())
    clock.move(timedelta(hours=2))
    return at_real


@pytest.mark.parametrize("path", PAGES)
def test_an_expired_rollback_and_a_failure_stand_on_every_page(
    sign_in: SignIn, expired: ControlStore, path: str
) -> None:
    fail_a_delivery(expired, "the service answered 500")
    page = sign_in("root", Role.ADMIN).get(path).text
    banner = page.split('id="alarms"')[1].split("</div>")[0]
    assert "Rollback expired" in banner
    assert "1 h ago" in banner
    assert "owner bob · extended once" in banner
    for act in ("/end", "/extend", "/handover"):
        assert f'href="{act}"' in banner
    assert "1 reminder was not delivered" in banner
    assert "the service answered 500" in banner
    assert "<form" not in banner
    assert "<button" not in banner


@pytest.mark.parametrize("path", PAGES)
def test_a_break_glass_file_stands_on_every_page(
    sign_in: SignIn, rolled_back: ControlStore, files: DataFiles, path: str
) -> None:
    files.break_glass.touch()
    page = sign_in("root", Role.ADMIN).get(path).text
    banner = page.split('id="alarms"')[1].split("</div>")[0]
    assert "Break-glass." in banner
    assert str(files.break_glass.absolute()) in banner


@pytest.mark.parametrize("path", PAGES)
def test_without_anything_alarming_there_is_no_banner(
    sign_in: SignIn, rolled_back: ControlStore, path: str
) -> None:
    page = sign_in("root", Role.ADMIN, environment="development").get(path).text
    assert page.split('id="alarms"')[1].split("</div>")[0].strip(" \n>") == ""


def test_a_refused_form_has_the_banner_too(sign_in: SignIn, expired: ControlStore) -> None:
    answer = sign_in().post("/extend", data={"reason": " ", "expires": "1h"})
    assert answer.status_code == 422
    assert "Rollback expired" in answer.text


def test_an_expired_cutover_flag_is_in_the_banner_without_the_acts_of_a_rollback(
    sign_in: SignIn, at_real: ControlStore, clock: MovedClock
) -> None:
    clock.move(timedelta(days=31))
    banner = sign_in().get("/audit").text.split('class="banner')[1].split("</section>")[0]
    assert "Cutover expired" in banner
    assert 'href="/handover"' in banner
    assert 'href="/end"' not in banner


def test_whoever_is_not_signed_in_is_told_nothing(web: TestClient, expired: ControlStore) -> None:
    assert "expired" not in web.get("/sign-in").text


def test_flags_that_cannot_be_read_are_an_alarm_on_the_pages_that_do_without(
    sign_in: SignIn, rolled_back: ControlStore
) -> None:
    web = sign_in("root", Role.ADMIN)
    with rolled_back.transaction() as at:
        at.connection.execute("UPDATE flag SET mode = 'nonsense' WHERE id = 2")
    answer = web.get("/people")
    assert answer.status_code == 200
    assert "The flags can't be read." in answer.text
    assert web.get("/").status_code == 503


def test_the_banner_costs_the_same_however_much_has_failed(
    sign_in: SignIn, at_real: ControlStore
) -> None:
    with at_real.transaction() as at:
        new = NewReminder(key="x", kind=ReminderKind.LAGGING, at=at.now)
        number = outbox.add(at, new) or 0
        for each in range(3000):
            way = NewDelivery(Recipient.OPERATORS, f"json/{each}", "json", error="500")
            outbox.add_delivery(at, number, way)
    page = sign_in().get("/audit").text
    assert "3000 reminders were not delivered" in page
    assert len(page) < 30_000
