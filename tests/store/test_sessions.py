"""Sessions end when idle, when old, and when told; failed sign-ins are counted for a while."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flagctl.store.files import DataFiles
from flagctl.store.sessions import ABSOLUTE_LIMIT, FAILURES_KEPT_FOR, IDLE_LIMIT, Failures, Sessions

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def files(tmp_path: Path) -> DataFiles:
    return DataFiles(tmp_path)


@pytest.fixture
def sessions(files: DataFiles) -> Sessions:
    return Sessions(files)


def test_a_session_is_found_by_its_token_only(sessions: Sessions, files: DataFiles) -> None:
    sessions.start("a token", 7, NOON)
    found = sessions.find("a token", NOON)
    assert found is not None
    assert found.person_id == 7
    assert sessions.find("another", NOON) is None
    assert b"a token" not in files.runtime.read_bytes()


def test_a_session_used_again_and_again_does_not_become_idle(sessions: Sessions) -> None:
    sessions.start("a token", 7, NOON)
    for count in range(1, 4):
        assert sessions.find("a token", NOON + count * (IDLE_LIMIT - MINUTE))


def test_a_page_that_refreshes_itself_does_not_keep_a_session_alive(sessions: Sessions) -> None:
    sessions.start("a token", 7, NOON)
    assert sessions.find("a token", NOON + IDLE_LIMIT - MINUTE, is_use=False)
    assert sessions.find("a token", NOON + IDLE_LIMIT) is None


def test_an_idle_session_is_over(sessions: Sessions) -> None:
    sessions.start("a token", 7, NOON)
    assert sessions.find("a token", NOON + IDLE_LIMIT) is None


def test_the_longest_session_ends_although_it_is_used(sessions: Sessions) -> None:
    sessions.start("a token", 7, NOON)
    at = NOON
    while at - NOON < ABSOLUTE_LIMIT:
        assert sessions.find("a token", at)
        at += IDLE_LIMIT - MINUTE
    assert sessions.find("a token", at) is None


def test_signing_out_ends_one_session_and_everywhere_ends_all(sessions: Sessions) -> None:
    for token in ("phone", "desk", "tablet"):
        sessions.start(token, 7, NOON)
    sessions.start("somebody else's", 8, NOON)
    sessions.end("phone")
    assert sessions.find("phone", NOON) is None
    assert sessions.count(7, NOON) == 2
    assert sessions.end_all(7) == 2
    assert sessions.find("desk", NOON) is None
    assert sessions.find("somebody else's", NOON)


def test_failures_are_counted_for_address_and_person_and_forgotten_in_time(
    sessions: Sessions,
) -> None:
    for address, name in (("192.0.2.1", "alice"), ("192.0.2.1", "bob"), ("192.0.2.2", "alice")):
        sessions.note_failure(address, name, NOON)
    assert sessions.failures("192.0.2.1", "alice", NOON) == Failures(2, 2, 1)
    sessions.forget_failures("192.0.2.1", "alice")
    assert sessions.failures("192.0.2.1", "alice", NOON) == Failures(1, 1, 0)
    assert sessions.failures("192.0.2.1", "alice", NOON + FAILURES_KEPT_FOR) == Failures(0, 0, 0)


def test_a_lost_file_costs_a_sign_in_and_nothing_else(sessions: Sessions, files: DataFiles) -> None:
    sessions.start("a token", 7, NOON)
    for path in files.directory.glob("runtime.db*"):
        path.unlink()
    assert sessions.find("a token", NOON) is None
    sessions.start("a new token", 7, NOON)
    assert sessions.find("a new token", NOON)
