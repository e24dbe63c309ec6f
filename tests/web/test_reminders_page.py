"""The page of the reminders: what is due, what comes, what was told, what failed, what is left."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from flagctl.domain.change import EndRollback, RollBack
from flagctl.domain.gate import Facts, SlurmVerdict
from flagctl.domain.reminder_words import Recipient, ReminderKind
from flagctl.store import outbox
from flagctl.store.audit_log import AuditFilter, list_events
from flagctl.store.files import DataFiles
from flagctl.store.follow_ups import read_follow_ups
from flagctl.store.outbox import NewDelivery, NewReminder
from flagctl.store.planning import due_stages
from flagctl.store.reading import reading
from flagctl.store.reminder_reading import read_failed, read_followed
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Action, Mode, Outcome, Role
from tests.web.conftest import ROOT, MovedClock, last_outcome

SignIn = Callable[..., TestClient]


def fail_a_delivery(store: ControlStore, error: str, key: str = "failed") -> None:
    """Leave a delivery that was given up."""
    with store.transaction() as at:
        new = NewReminder(key=key, kind=ReminderKind.LAGGING, at=at.now, detail={"pid": 7})
        way = NewDelivery(Recipient.OPERATORS, "json/1a2b", "json://chat (1a2b)", error=error)
        outbox.add_delivery(at, outbox.add(at, new) or 0, way)


def give_out(store: ControlStore) -> None:
    """Give out the stage that has come, and leave it waiting."""
    with store.transaction() as at:
        for new in due_stages(at.connection, at.state(), (), at.now):
            number = outbox.add(at, new) or 0
            outbox.add_delivery(at, number, NewDelivery(Recipient.OWNER, "person/bob", "bob"))
            outbox.mark_told(at, number)


@pytest.fixture
def expired(rolled_back: ControlStore, clock: MovedClock) -> ControlStore:
    clock.move(timedelta(hours=4, minutes=30))
    return rolled_back


@pytest.fixture
def left_to_do(rolled_back: ControlStore, clock: MovedClock) -> ControlStore:
    """Return a store whose ended rollback, flag 2, left something to do."""
    willing = Facts(verdict=SlurmVerdict(holds=True, detail="", taken_at=clock()))
    rolled_back.apply(EndRollback("mended", follow_up="OPS-7", revision=2), ROOT, willing)
    return rolled_back


def section(page: str, name: str) -> str:
    return page.split(f'id="{name}"')[1].split("</section>", maxsplit=1)[0]


def test_everything_has_its_place_on_the_page(sign_in: SignIn, expired: ControlStore) -> None:
    give_out(expired)
    fail_a_delivery(expired, "Failed to send, error=500")
    page = sign_in().get("/reminders").text
    assert "the owner, bob: waiting" in section(page, "due")
    assert "rollback flag 2 of bob: next 1 hour after, in 30 min" in section(page, "upcoming")
    assert "cutover flag 1 of root: next before it expires" in section(page, "upcoming")
    assert "json://chat (1a2b): failed" in section(page, "failed")
    assert "Failed to send, error=500" in section(page, "failed")
    told = section(page, "told")
    assert "flag 2, when it expires (11:25 UTC)" in told
    assert "rolled back" in told


def test_only_what_is_about_one_flag_is_shown_when_asked(
    sign_in: SignIn, expired: ControlStore
) -> None:
    give_out(expired)
    fail_a_delivery(expired, "error=500")
    page = sign_in().get("/reminders?flag=1").text
    assert "of flag 1" in page
    assert "bob: waiting" not in section(page, "due")
    assert "error=500" not in section(page, "failed")
    assert "when it expires" not in section(page, "told")


def test_what_was_told_is_shown_page_by_page(sign_in: SignIn, at_real: ControlStore) -> None:
    for number in range(45):
        fail_a_delivery(at_real, "500", key=f"failed/{number}")
    web, seen, path = sign_in(), [], "/reminders"
    while path:
        page = web.get(path).text
        seen += [part.split('"')[0] for part in page.split('id="reminder-')[1:]]
        older = [part for part in page.split('href="') if part.startswith("/reminders?before=")]
        path = older[0].split("#")[0] if older else ""
    assert len(seen) == len(set(seen)) == 46


@pytest.mark.parametrize("asked", ["flag=x", "before=-1", "flag=" + "9" * 40])
def test_a_number_that_is_none_is_said_to_be(
    sign_in: SignIn, at_real: ControlStore, asked: str
) -> None:
    answer = sign_in().get(f"/reminders?{asked}")
    assert answer.status_code == 422
    assert "is not a number" in answer.text


def test_acknowledging_holds_the_current_stage_and_not_the_next(
    sign_in: SignIn, expired: ControlStore, files: DataFiles, clock: MovedClock
) -> None:
    give_out(expired)
    web = sign_in()
    form = {"for": "1h", "revision": "2"}
    assert web.post("/reminders/acknowledge", data=form).headers["location"] == "/reminders"
    with reading(files) as connection:
        followed = read_followed(connection, flag_id=2)[0]
        event = next(list_events(connection, AuditFilter(action=Action.ACKNOWLEDGE)))
    # The next stage comes in half an hour, before the hour is over.
    assert followed.reminder.held_until == clock() + timedelta(minutes=30)
    assert (event.actor, event.outcome, event.flag_id) == ("person:alice", Outcome.ACCEPTED, 2)
    assert "it is held until" in web.get("/reminders").text


@pytest.mark.parametrize(
    ("form", "status", "said"),
    [
        ({"for": "2h", "revision": "2"}, 422, "at most 1h"),
        ({"for": "soon", "revision": "2"}, 422, "can&#39;t be read"),
        ({"for": "1h", "revision": "two"}, 422, "is not a number"),
        ({"for": "1h", "revision": "1"}, 412, "You looked at revision 1, but now it is 2"),
    ],
)
def test_an_acknowledgement_that_cannot_be_taken_says_why(
    sign_in: SignIn, expired: ControlStore, form: dict[str, str], status: int, said: str
) -> None:
    answer = sign_in().post("/reminders/acknowledge", data=form)
    assert answer.status_code == status
    assert said in answer.text


def test_with_nothing_due_there_is_nothing_to_acknowledge(
    sign_in: SignIn, rolled_back: ControlStore
) -> None:
    web = sign_in()
    assert "<button>Acknowledge" not in web.get("/reminders").text
    answer = web.post("/reminders/acknowledge", data={"for": "1h"})
    assert answer.status_code == 409
    assert "There is nothing to acknowledge" in answer.text


def test_failures_stay_on_every_page_until_somebody_has_seen_them(
    sign_in: SignIn, at_real: ControlStore, files: DataFiles
) -> None:
    fail_a_delivery(at_real, "error=500", key="one")
    web = sign_in()
    shown = section(web.get("/reminders").text, "failed")
    up_to = shown.split('name="up_to" value="')[1].split('"')[0]
    fail_a_delivery(at_real, "error=502", key="another, after the page was shown")
    assert web.post("/reminders/seen", data={"up_to": up_to}).status_code == 303
    page = web.get("/audit").text
    assert "1 reminder was not delivered" in page
    assert "error=502" in page
    with reading(files) as connection:
        assert [each.error for each in read_failed(connection)] == ["error=502"]
    assert web.post("/reminders/seen", data={}).status_code == 303
    assert "not delivered" not in web.get("/audit").text
    assert web.post("/reminders/seen", data={}).status_code == 409


def test_acknowledging_notes_the_failures_that_the_page_showed_and_no_others(
    sign_in: SignIn, expired: ControlStore, files: DataFiles
) -> None:
    fail_a_delivery(expired, "error=500", key="one")
    web = sign_in()
    of_one_flag = section(web.get("/reminders?flag=2").text, "due")
    assert 'name="up_to" value="0"' in of_one_flag
    up_to = section(web.get("/reminders").text, "due").split('name="up_to" value="')[1]
    fail_a_delivery(expired, "error=502", key="after the page was shown")
    form = {"for": "1h", "up_to": up_to.split('"')[0]}
    assert web.post("/reminders/acknowledge", data=form).status_code == 303
    with reading(files) as connection:
        assert [each.error for each in read_failed(connection)] == ["error=502"]


def test_an_open_follow_up_is_listed_until_a_person_closes_it(
    sign_in: SignIn, left_to_do: ControlStore, files: DataFiles
) -> None:
    web = sign_in()
    assert "OPS-7" in section(web.get("/reminders").text, "follow-ups")
    blank = web.post("/reminders/close", data={"flag": "2", "reason": " "})
    assert blank.status_code == 422
    assert "reason is blank" in section(blank.text, "follow-ups")
    form = {"flag": "2", "reason": "the queue is bigger now"}
    assert web.post("/reminders/close", data=form).status_code == 303
    assert "OPS-7" not in section(web.get("/reminders").text, "follow-ups")
    with reading(files) as connection:
        (closed,) = read_follow_ups(connection, closed=True)
    assert (closed.closed_by, closed.closing_words) == ("person:alice", form["reason"])
    assert web.post("/reminders/close", data=form).status_code == 409
    assert web.post("/reminders/close", data={**form, "flag": "77"}).status_code == 404
    assert web.post("/reminders/close", data={"reason": "x"}).status_code == 422


def test_a_viewer_sees_the_page_without_a_form_that_changes_something(
    sign_in: SignIn, expired: ControlStore
) -> None:
    fail_a_delivery(expired, "error=500")
    page = sign_in("vera", Role.VIEWER).get("/reminders")
    assert page.status_code == 200
    assert 'method="post"' not in page.text


def test_a_flag_s_own_page_shows_its_reminders_and_their_deliveries(
    sign_in: SignIn, expired: ControlStore
) -> None:
    give_out(expired)
    shown = section(sign_in().get("/flags/2").text, "reminders")
    assert "next 1 hour after" in shown
    assert "flag 2, when it expires" in shown
    assert "the owner, bob: waiting" in shown
    other = section(sign_in("ann").get("/flags/1").text, "reminders")
    assert "when it expires (11:25" not in other


def test_a_hostile_error_is_shown_as_text(sign_in: SignIn, at_real: ControlStore) -> None:
    fail_a_delivery(at_real, "<script>alert(1)</script>")
    page = sign_in().get("/reminders").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page


def test_a_store_in_trouble_is_told_and_not_taken_for_an_empty_one(
    sign_in: SignIn, rolled_back: ControlStore, files: DataFiles
) -> None:
    web = sign_in()
    with rolled_back.transaction() as at:
        at.connection.execute("UPDATE flag SET mode = 'nonsense' WHERE id = 2")
    assert web.get("/reminders").status_code == 503
    assert web.post("/reminders/acknowledge", data={"for": "1h"}).status_code == 503


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/reminders/acknowledge", {"for": "1h"}),
        ("/reminders/seen", {}),
        ("/reminders/close", {"flag": "2", "reason": "done"}),
    ],
)
def test_nobody_acts_without_signing_in_or_as_a_viewer(
    web: TestClient,
    sign_in: SignIn,
    left_to_do: ControlStore,
    files: DataFiles,
    path: str,
    form: dict[str, str],
) -> None:
    fail_a_delivery(left_to_do, "error=500")
    asked = web.post(path, data=form)
    assert (asked.status_code, asked.headers["location"].partition("?")[0]) == (303, "/sign-in")
    assert sign_in("vera", Role.VIEWER).post(path, data=form).status_code == 403
    assert last_outcome(files) is Outcome.REFUSED
    with reading(files) as connection:
        assert read_follow_ups(connection)
        assert read_failed(connection)


@pytest.mark.parametrize("act", ["acknowledge", "seen", "close"])
def test_whoever_had_to_sign_in_first_comes_back_to_the_page(
    sign_in: SignIn, rolled_back: ControlStore, act: str
) -> None:
    answer = sign_in().get(f"/reminders/{act}?for=1h")
    assert (answer.status_code, answer.headers["location"]) == (303, "/reminders")


def test_a_rollback_that_was_set_is_told_on_the_page_before_anybody_gave_it_out(
    sign_in: SignIn, store: ControlStore
) -> None:
    store.apply(RollBack(Mode.PASSTHROUGH, "p99", owner="bob"), ROOT, Facts())
    told = section(sign_in().get("/reminders").text, "told")
    assert "rolled back" in told
    assert "not given out yet" in told
