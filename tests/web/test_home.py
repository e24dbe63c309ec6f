"""The first page says what is in force, who said so and until when."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from flagctl.domain.change import Actor, CutOver, Extend, RollBack
from flagctl.domain.gate import Facts
from flagctl.store.files import DataFiles
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Door, Mode, Role
from tests.web.conftest import MovedClock

ALICE = Actor("os:alice", Role.ADMIN, Door.CLI)
MARKUP = '<script>alert("1")</script> \u202eabc \U0001f6a8'


def roll_back(store: ControlStore, mode: Mode = Mode.PASSTHROUGH, **more: object) -> None:
    store.apply(RollBack(mode, **{"reason": "submit p99 over 30 s", **more}), ALICE, Facts())  # type: ignore[arg-type]


def test_without_a_flag_the_built_in_default_is_said(web: TestClient) -> None:
    page = web.get("/")
    assert page.status_code == 200
    assert "stub-policy" in page.text
    assert "No flag is active" in page.text
    assert "Revision 0" in page.text


def test_a_rollback_is_shown_with_owner_reason_incident_and_expiry(
    web: TestClient, store: ControlStore, clock: MovedClock
) -> None:
    roll_back(store, owner="bob", incident="INC-42")
    clock.move(timedelta(minutes=38))
    page = web.get("/").text
    said = ("passthrough", "bob", "submit p99 over 30 s", "INC-42", "38 min ago", "Revision 1")
    assert [word for word in said if word not in page] == []
    assert "in 3 h 22 min" in page
    assert 'title="2026-05-01 11:25:00 UTC"' in page
    assert "Expired" not in page


def test_an_expired_rollback_is_called_expired_and_still_counts(
    web: TestClient, store: ControlStore, clock: MovedClock
) -> None:
    roll_back(store)
    clock.move(timedelta(hours=4))
    store.apply(Extend(clock() + timedelta(hours=1), "still open"), ALICE, Facts())
    clock.move(timedelta(hours=2))
    page = web.get("/").text
    assert "Expired" in page
    assert "extended once" in page
    assert "passthrough" in page


def test_a_cutover_flag_is_shown_beside_a_rollback(
    web: TestClient, store: ControlStore, clock: MovedClock
) -> None:
    cutover = CutOver(Mode.PASSTHROUGH, "carol", "first step", clock() + timedelta(days=30))
    store.apply(cutover, ALICE, Facts())
    assert "Cutover flag" in web.get("/").text
    assert "carol" in web.get("/").text


def test_the_environment_is_named_on_the_page(
    store: ControlStore, make_web: Callable[..., TestClient]
) -> None:
    page = make_web(environment="production").get("/").text
    assert "tone-bad" in page
    assert ">production</a>" in page.replace("</span>", ">")


def test_markup_and_other_scripts_are_shown_as_text(web: TestClient, store: ControlStore) -> None:
    roll_back(store, reason=MARKUP, owner=MARKUP, incident=MARKUP)
    page = web.get("/").text
    assert "<script>" not in page
    assert page.count("&lt;script&gt;") == 3
    assert "\U0001f6a8" in page


def test_nothing_on_the_page_pretends_to_be_a_button(web: TestClient, store: ControlStore) -> None:
    roll_back(store)
    page = web.get("/").text
    assert "<form" not in page
    assert "<button" not in page


def test_a_missing_store_is_said_with_what_to_do(make_web: Callable[..., TestClient]) -> None:
    page = make_web().get("/")
    assert page.status_code == 503
    assert "flagctl db upgrade" in page.text
    assert "BREAK_GLASS" in page.text


@pytest.mark.parametrize(("content", "word"), [(b"", "empty"), (b"not a database" * 99, "corrupt")])
def test_a_broken_store_is_said_with_its_kind_of_trouble(
    make_web: Callable[..., TestClient], files: DataFiles, content: bytes, word: str
) -> None:
    files.directory.mkdir()
    files.control.write_bytes(content)
    page = make_web().get("/")
    assert page.status_code == 503
    assert f"can't be read: {word}" in page.text.replace("&#39;", "'")
