"""The pages that tell whether the top mode may come into force, and the button that goes by it."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from flagctl.domain.readiness import Judgement
from flagctl.store.runtime_db import ProcessRegistry
from flagctl.store.tokens import TokenRequest, issue_token
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Mode, Role
from tests.judgements import judgement, tell
from tests.reports import report
from tests.web.conftest import ROOT, MovedClock, revision
from tests.web.test_hostile_text import HOSTILE, Page

SignIn = Callable[..., TestClient]
Told = Callable[..., None]

UP = {
    "mode": Mode.REAL_POLICY,
    "reason": "green",
    "owner": "alice",
    "expires": "30d",
    "revision": "0",
}


@pytest.fixture
def told(registry: ProcessRegistry, clock: MovedClock) -> Told:
    """Return what has a live process say what it thinks."""

    def say(said: Judgement | None = None, name: str = "a", pin: Mode | None = None) -> None:
        registry.beat(report(name, heard_at=clock(), pin=pin))
        tell(registry, name, said or judgement(clock()), clock())

    return say


def test_the_page_shows_every_precondition_and_each_queue(sign_in: SignIn, told: Told) -> None:
    told()
    page = sign_in(role=Role.VIEWER).get("/preflight")
    assert page.status_code == 200
    assert "Ready for real-policy: 8 of 8 ok" in page.text
    assert page.text.count('id="precondition-') == 8
    assert "partition long, account chem-premium, QoS priority, 720 min" in page.text
    assert page.text.count(" the same</span>") == 2


def test_what_fails_stands_on_the_page_and_on_the_first_page(
    sign_in: SignIn, told: Told, clock: MovedClock
) -> None:
    told(judgement(clock() - timedelta(seconds=4), state="DRAIN"))
    web = sign_in()
    for path in ("/", "/preflight"):
        page = web.get(path).text
        assert "Not ready for real-policy: 7 of 8 ok, checked 4.0 s ago" in page
        assert "Queue “standard”: partition “short” is DRAIN" in page
    assert "refused</span>: Queue “standard”" in web.get("/preflight").text


def test_without_a_live_process_the_page_says_that_nobody_knows(sign_in: SignIn) -> None:
    page = sign_in().get("/preflight").text
    assert "nobody knows" in page
    assert "No live process was heard of" in page


def test_the_way_up_shows_before_and_after_the_preconditions_and_the_queues(
    sign_in: SignIn, told: Told
) -> None:
    told()
    page = sign_in(role=Role.ADMIN).get("/cutover?mode=real-policy").text
    assert 'id="precondition-controller"' in page
    assert "What each queue gets" in page
    assert 'class="change"' in page
    assert "<button class" in page
    assert "disabled" not in page


def test_the_button_is_off_with_the_reason_beside_it_while_a_precondition_fails(
    sign_in: SignIn, told: Told, clock: MovedClock
) -> None:
    told(judgement(clock(), state="DRAIN"))
    page = sign_in(role=Role.ADMIN).get("/cutover?mode=real-policy").text
    assert 'disabled aria-describedby="refusal"' in page
    refusal = page.partition('id="refusal">')[2].partition("</p>")[0]
    assert "a precondition does not hold: partitions: Queue “standard”" in refusal


def test_ending_a_rollback_from_the_top_mode_is_gated_in_the_same_way(
    half_way: ControlStore, sign_in: SignIn, told: Told, clock: MovedClock
) -> None:
    told(judgement(clock(), state="DRAIN"))
    web = sign_in()
    page = web.get("/end").text
    assert 'disabled aria-describedby="refusal"' in page
    assert 'id="precondition-controller"' in page
    typed = {"reason": "back", "no_follow_up": "a drill", "revision": "2"}
    assert web.post("/end", data=typed).status_code == 409
    told()
    assert "disabled" not in web.get("/end").text
    assert web.post("/end", data=typed).status_code == 303
    assert revision(half_way) == 3


def test_an_act_that_leads_nobody_to_the_top_mode_shows_no_preconditions(
    at_real: ControlStore, sign_in: SignIn, told: Told
) -> None:
    told()
    assert "precondition-" not in sign_in().get("/rollback?mode=stub-policy").text


def test_the_gate_is_asked_again_when_the_form_is_sent(
    sign_in: SignIn, told: Told, store: ControlStore, clock: MovedClock
) -> None:
    told()
    web = sign_in(role=Role.ADMIN)
    assert "disabled" not in web.get("/cutover?mode=real-policy").text
    told(judgement(clock(), state="DRAIN"))
    answer = web.post("/cutover", data=UP)
    assert answer.status_code == 409
    assert "partition “short” is DRAIN" in answer.text
    assert revision(store) == 0


def test_one_process_that_says_no_holds_all_of_them_back(
    sign_in: SignIn, told: Told, clock: MovedClock
) -> None:
    told()
    told(judgement(clock(), state="DRAIN"), name="b")
    assert sign_in(role=Role.ADMIN).post("/cutover", data=UP).status_code == 409


def test_the_api_gives_the_same_and_refuses_with_its_code(
    told: Told, store: ControlStore, make_web: Callable[..., TestClient], clock: MovedClock
) -> None:
    told(judgement(clock(), state="DRAIN"))
    secret = issue_token(store, TokenRequest("ci", role=Role.ADMIN), ROOT).secret
    api = make_web()
    api.headers["Authorization"] = f"Bearer {secret}"
    shown = api.get("/api/v1/preflight").json()
    assert (shown["mode"], shown["holds"]) == (Mode.REAL_POLICY, False)
    assert [each["name"] for each in shown["preconditions"] if each["status"] == "failed"] == [
        "partitions"
    ]
    body = {name: value for name, value in UP.items() if name != "revision"}
    answer = api.post("/api/v1/cutover", json=body, headers={"If-Match": '"0"'})
    assert (answer.status_code, answer.json()["code"]) == (409, "precondition")
    assert "partition “short” is DRAIN" in answer.json()["detail"]


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_whatever_a_queue_is_called_is_text_on_every_page_that_shows_it(
    sign_in: SignIn, told: Told, clock: MovedClock, name: str
) -> None:
    told(judgement(clock(), queues=(name,)))
    web = sign_in(role=Role.ADMIN)
    for path in ("/preflight", "/cutover?mode=real-policy"):
        page = Page(web.get(path).text)
        assert not page.foul
        assert any(name.strip() in text for text in page.texts)
