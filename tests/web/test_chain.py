"""What the audit page says of the chain, and verifying it from there."""

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from flagctl.store import chain_walk
from flagctl.store.audit_log import verify_trail
from flagctl.store.chain_walk import DEAD_AFTER, begin_walk, walk_chain, walk_under_way
from flagctl.store.files import DataFiles
from flagctl.store.reading import reading
from flagctl.store.verified import Verified, keep_verified, standing
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Role
from tests.waiting import wait_until
from tests.web.conftest import MovedClock
from tests.web.test_audit_page import extend_often

SignIn = Callable[..., TestClient]


def verify(files: DataFiles, clock: MovedClock) -> None:
    with reading(files) as connection:
        found = verify_trail(connection)
    keep_verified(files, Verified(clock(), "os:root", found))


def tamper(files: DataFiles, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(files.control)) as connection, connection:
        connection.execute("DROP TRIGGER audit_event_no_update")
        connection.execute(statement, values)


def chain_told(web: TestClient) -> str:
    page = web.get("/audit").text
    card = page[page.index('id="chain"') :]
    text = re.sub(r"<[^>]+>", "", card[: card.index("</section>")].partition(">")[2])
    return " ".join(text.split())


def test_the_last_verification_is_told_with_when_by_whom_and_its_head(
    sign_in: SignIn, rolled_back: ControlStore, files: DataFiles, clock: MovedClock
) -> None:
    web = sign_in()
    assert "No verification is on record." in chain_told(web)
    verify(files, clock)
    clock.move(timedelta(minutes=5))
    with reading(files) as connection:
        newest = connection.execute("SELECT id, hash FROM audit_event ORDER BY id DESC LIMIT 1")
        events, head = newest.fetchone()
    extend_often(rolled_back, clock, 2)
    told = chain_told(web)
    assert f"It held over {events} events; 2 events came after." in told
    assert "Verified 7 min ago (07:25 UTC) by os:root." in told
    assert f"Its head was {head}" in told


def test_a_chain_that_was_found_broken_is_named_on_the_page(
    sign_in: SignIn, rolled_back: ControlStore, files: DataFiles, clock: MovedClock
) -> None:
    web = sign_in()
    tamper(files, "UPDATE audit_event SET reason = 'fine' WHERE id = 2")
    verify(files, clock)
    told = chain_told(web)
    assert "Broken at event 2: its content does not match its hash." in told
    assert "The 1 event before it held." in told


def test_a_trail_written_anew_since_it_was_verified_is_not_said_to_hold(
    sign_in: SignIn, rolled_back: ControlStore, files: DataFiles, clock: MovedClock
) -> None:
    web = sign_in()
    verify(files, clock)
    tamper(files, "UPDATE audit_event SET hash = 'other'")
    told = chain_told(web)
    assert "Changed since it was verified" in told
    assert "It held" not in told


def test_a_note_that_says_nonsense_is_none(
    sign_in: SignIn, rolled_back: ControlStore, files: DataFiles, clock: MovedClock
) -> None:
    web = sign_in()
    verify(files, clock)
    with closing(sqlite3.connect(files.runtime)) as connection, connection:
        connection.execute("UPDATE verification SET at = 'yesterday'")
    assert "No verification is on record." in chain_told(web)


def events_in(files: DataFiles) -> int:
    with reading(files) as connection:
        count: int = connection.execute("SELECT count(*) FROM audit_event").fetchone()[0]
    return count


def verify_now(web: TestClient) -> str:
    """Ask for a verification and return what is told when it is over."""
    answer = web.post("/audit/verify")
    assert (answer.status_code, answer.headers["location"]) == (303, "/audit#chain")
    wait_until(lambda: "Being verified" not in chain_told(web))
    return chain_told(web)


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.ADMIN])
def test_whoever_may_act_verifies_from_the_page_and_is_named_with_what_was_found(
    sign_in: SignIn, rolled_back: ControlStore, files: DataFiles, role: Role
) -> None:
    told = verify_now(sign_in("alice", role))
    assert f"It held over {events_in(files)} events; 0 events came after." in told
    assert "by person:alice." in told


def test_verifying_from_the_page_finds_what_was_tampered_with(
    sign_in: SignIn, rolled_back: ControlStore, files: DataFiles
) -> None:
    web = sign_in()
    assert "It held" in verify_now(web)
    tamper(files, "UPDATE audit_event SET reason = 'fine' WHERE id = 2")
    assert "Broken at event 2: its content does not match its hash." in verify_now(web)


@pytest.mark.parametrize("number", [1, 3, 4, 5, 8])
def test_a_break_is_found_wherever_the_walk_pauses(
    rolled_back: ControlStore,
    files: DataFiles,
    clock: MovedClock,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
) -> None:
    extend_often(rolled_back, clock, 8)
    monkeypatch.setattr(chain_walk, "AT_ONCE", 2)
    monkeypatch.setattr(chain_walk, "TOLD_EVERY", 2)
    tamper(files, "UPDATE audit_event SET reason = 'fine' WHERE id = ?", number)
    assert begin_walk(files, "person:alice", clock())
    walk_chain(files, "person:alice", clock, pause=lambda: None)
    with reading(files) as connection:
        whole = verify_trail(connection)
        stands = Verified(clock(), "person:alice", whole)
    assert whole.broken_id == number
    assert last_verified(files) == stands


def last_verified(files: DataFiles) -> Verified | None:
    with reading(files) as connection:
        found = standing(files, connection)
    return found.verified if found else None


def test_a_long_walk_says_how_far_it_is_lets_pages_in_between_and_is_the_only_one(
    sign_in: SignIn,
    rolled_back: ControlStore,
    files: DataFiles,
    clock: MovedClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    extend_often(rolled_back, clock, 8)
    web, told = sign_in(), []
    monkeypatch.setattr(chain_walk, "AT_ONCE", 2)
    monkeypatch.setattr(chain_walk, "TOLD_EVERY", 1)
    whole = events_in(files)
    assert begin_walk(files, "person:bob", clock())

    def pause() -> None:
        told.append(chain_told(web))
        assert web.post("/audit/verify").status_code == 303
        assert not begin_walk(files, "person:carol", clock())

    walk_chain(files, "person:bob", clock, pause)
    assert [f"Being verified: {number} of {whole} events" in told[number // 2] for number in (0, 2)]
    assert all("Verify now" not in each for each in told)
    assert walk_under_way(files) is None
    assert "by person:bob." in chain_told(web)


def test_a_walk_whose_process_was_stopped_is_told_and_another_may_begin(
    sign_in: SignIn, rolled_back: ControlStore, files: DataFiles, clock: MovedClock
) -> None:
    web = sign_in()
    assert begin_walk(files, "person:bob", clock())
    assert "Being verified" in chain_told(web)
    clock.move(DEAD_AFTER)
    told = chain_told(web)
    assert "A verification by person:bob, begun 30 s ago (07:25 UTC), came to no end" in told
    assert "It held" in verify_now(web)
    assert "came to no end" not in chain_told(web)


def test_trouble_on_the_way_ends_a_walk_and_is_told(
    sign_in: SignIn, rolled_back: ControlStore, files: DataFiles, clock: MovedClock
) -> None:
    web = sign_in()
    assert begin_walk(files, "person:bob", clock())
    moved = files.control.rename(files.directory / "elsewhere")
    walk_chain(files, "person:bob", clock, pause=lambda: None)
    moved.rename(files.control)
    assert "came to no end" in chain_told(web)
    assert "does not exist" in chain_told(web)
    assert "It held" in verify_now(web)


def test_a_viewer_sees_what_was_found_and_verifies_nothing(
    sign_in: SignIn, rolled_back: ControlStore, files: DataFiles, clock: MovedClock
) -> None:
    verify(files, clock)
    vera = sign_in("vera", Role.VIEWER)
    assert "It held" in chain_told(vera)
    assert "Verify now" not in chain_told(vera)
    assert vera.post("/audit/verify").status_code == 403
    assert "by os:root." in chain_told(vera)
