"""The first page says what is in force, who said so and until when, and what may be done."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from flagctl.domain.change import CutOver, Extend, RollBack
from flagctl.domain.gate import Facts
from flagctl.store.files import DataFiles
from flagctl.store.last_known_good import LastKnownGoodFile
from flagctl.store.runtime_db import ProcessRegistry
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Mode, Role, Source
from tests.reports import report
from tests.web.conftest import ROOT, MovedClock

MARKUP = '<script>alert("1")</script> \u202eabc \U0001f6a8'

SignIn = Callable[..., TestClient]


def roll_back(
    store: ControlStore,
    reason: str = "submit p99 over 30 s",
    owner: str | None = None,
    incident: str | None = None,
) -> None:
    change = RollBack(Mode.PASSTHROUGH, reason, owner=owner, incident=incident)
    store.apply(change, ROOT, Facts())


def test_without_a_flag_the_built_in_default_is_said(sign_in: SignIn) -> None:
    page = sign_in().get("/")
    assert page.status_code == 200
    assert "stub-policy by flags: no flag is active, this is the built-in default" in page.text
    assert "revision 0" in page.text


def test_a_rollback_is_shown_with_owner_reason_incident_and_expiry(
    sign_in: SignIn, store: ControlStore, clock: MovedClock
) -> None:
    roll_back(store, owner="bob", incident="INC-42")
    clock.move(timedelta(minutes=38))
    page = sign_in().get("/").text
    said = ("passthrough", "bob", "submit p99 over 30 s", "INC-42", "38 min ago", "revision 1")
    assert [word for word in said if word not in page] == []
    assert "in 3 h 22 min (11:25 UTC)" in page
    assert 'title="2026-05-01 11:25:00 UTC"' in page
    assert "expired" not in page.lower()


def test_an_expired_rollback_cannot_be_overlooked_and_offers_the_three_acts(
    sign_in: SignIn, store: ControlStore, clock: MovedClock
) -> None:
    roll_back(store, owner="bob")
    store.apply(Extend(clock() + timedelta(hours=1), "still open"), ROOT, Facts())
    clock.move(timedelta(hours=2))
    page = sign_in().get("/").text
    banner = page.split('class="banner')[1].split("</section>")[0]
    assert "Rollback expired" in banner
    assert "1 h ago" in banner
    assert "owner bob" in banner
    assert "extended once" in banner
    assert [
        path for path in ("/end", "/extend", "/handover") if f'href="{path}"' not in banner
    ] == []
    assert '<p class="big"><span class="word tone-warn">' in page


def test_a_rollback_that_went_further_names_who_did_it_and_since_when_it_lasts(
    sign_in: SignIn, half_way: ControlStore, clock: MovedClock
) -> None:
    clock.move(timedelta(hours=5))
    web = sign_in("carol")
    web.post("/rollback", data={"mode": "passthrough", "reason": "the policy is wrong too"})
    page = web.get("/").text
    flag = page[page.index("Rollback flag 3") :]
    started = " ".join(re.sub(r"<[^>]+>", "", flag[: flag.index("Expires")]).split())
    assert "just now (12:25 UTC) by person:carol" in started
    assert "rolled back since 5 h ago (07:25 UTC)" in started


def test_a_cutover_flag_is_shown_beside_a_rollback(
    sign_in: SignIn, store: ControlStore, clock: MovedClock
) -> None:
    cutover = CutOver(Mode.PASSTHROUGH, "carol", "first step", clock() + timedelta(days=30))
    store.apply(cutover, ROOT, Facts())
    page = sign_in().get("/").text
    assert "Cutover flag 1" in page
    assert "carol" in page


def test_what_a_start_without_the_store_would_use_is_said(
    sign_in: SignIn, store: ControlStore, files: DataFiles
) -> None:
    web = sign_in()
    assert "one that starts without it uses" in web.get("/").text
    roll_back(store)
    known = LastKnownGoodFile(files.last_known_good)
    with store.transaction() as at:
        known.keep(at.state())
    known.settle()
    line = web.get("/").text.split("one that starts without it uses")[1]
    assert line.index("passthrough") < 250


def test_a_process_that_has_another_mode_is_named_with_the_reason(
    sign_in: SignIn, registry: ProcessRegistry, clock: MovedClock
) -> None:
    pinned = report(
        heard_at=clock(), pid=77, pin=Mode.PASSTHROUGH, mode=Mode.PASSTHROUGH, source=Source.ENV
    )
    registry.beat(pinned)
    page = sign_in().get("/").text
    assert "pid 77 on" in page
    assert "ZPE_SLURM_ADAPTER pins the mode of this process" in page


def test_the_environment_is_named_in_words_and_in_colour(sign_in: SignIn) -> None:
    page = sign_in(environment="production").get("/").text
    assert 'class="bar tone-bad"' in page
    assert "Environment: </span>production</a>" in page


def test_markup_and_other_scripts_are_shown_as_text(sign_in: SignIn, store: ControlStore) -> None:
    roll_back(store, reason=MARKUP, owner=MARKUP, incident=MARKUP)
    web = sign_in()
    for path in ("/", "/flags/1", "/audit", "/extend", "/handover", "/receipts/1"):
        page = web.get(path).text
        assert "<script>alert" not in page, path
    assert web.get("/").text.count("&lt;script&gt;") >= 3


def test_a_viewer_is_offered_nothing(sign_in: SignIn, store: ControlStore) -> None:
    roll_back(store)
    page = sign_in("victor", Role.VIEWER).get("/").text
    assert "You may look at everything and change nothing" in page
    assert "/rollback" not in page
    assert 'href="/end"' not in page


def test_a_missing_store_is_said_with_what_to_do(make_web: SignIn) -> None:
    page = make_web().get("/")
    assert page.status_code == 503
    assert "flagctl db upgrade" in page.text
    assert "BREAK_GLASS" in page.text


@pytest.mark.parametrize(("content", "word"), [(b"", "empty"), (b"no database" * 99, "corrupt")])
def test_a_broken_store_is_said_with_its_kind_of_trouble(
    make_web: SignIn, files: DataFiles, content: bytes, word: str
) -> None:
    files.directory.mkdir()
    files.control.write_bytes(content)
    page = make_web().get("/")
    assert page.status_code == 503
    assert f"control.db can't be used: {word}" in page.text.replace("&#39;", "'")
