"""`--wait`: proof that every live process follows, or who does not."""

import threading
from datetime import UTC, datetime, timedelta

from flagctl.store.heard_files import HeardFiles
from flagctl.store.runtime_db import ProcessRegistry
from flagctl.vocabulary import Mode
from tests.cli.terminal import Terminal
from tests.reports import STAYS_LIVE, report
from tests.waiting import wait_until

SAFE, STUB, REAL = Mode
ROLLBACK = ("rollback", SAFE, "--reason", "slow")


def say_revision(terminal: Terminal, name: str, revision: int) -> None:
    now = datetime.now(UTC)
    words = report(
        name,
        revision=revision,
        heard_at=now + STAYS_LIVE,
        started_at=now - timedelta(hours=1),
        first_used={revision: now},
    )
    assert ProcessRegistry(terminal.files).beat(words)


def test_the_proof_comes_when_the_last_process_follows(terminal: Terminal) -> None:
    say_revision(terminal, "a", 1)
    say_revision(terminal, "b", 0)

    def follow_once_committed() -> None:
        wait_until(terminal.trail)
        say_revision(terminal, "b", 1)

    other = threading.Thread(target=follow_once_committed)
    other.start()
    answer = terminal.type(*ROLLBACK, "--wait", "60s")
    other.join()
    assert answer.code == 0
    assert "2 of 2 processes heard of on this host follow, " in answer.out
    assert " s after the commit" in answer.out
    assert ", 2/2 processes in " in answer.out.splitlines()[-1]


def test_when_the_time_is_over_those_behind_are_named_and_the_act_stands(
    terminal: Terminal,
) -> None:
    say_revision(terminal, "a", 1)
    say_revision(terminal, "b", 0)
    answer = terminal.type(*ROLLBACK, "--wait", "1s")
    assert answer.code == 4
    assert f"1 of 2 processes heard of on this host follow; behind: pid {ord('b')}" in answer.out
    assert terminal.do("status", "--json").json["by_flags"] == SAFE


def test_the_status_shows_the_receipt_that_the_wait_ended_with(terminal: Terminal) -> None:
    say_revision(terminal, "a", 1)
    shown = terminal.type(*ROLLBACK, "--wait", "1s", "--json").json["convergence"]
    assert (shown["is_proven"], shown["took_s"]) == (True, 0.0)
    later = terminal.do("status", "--json").json["convergence"]
    assert {**later, "silent": []} == {**shown, "silent": []}
    assert later["sentence"] in terminal.type("status", "--check").out


def test_what_still_ends_in_the_old_mode_and_who_is_silent_is_said(terminal: Terminal) -> None:
    now = datetime.now(UTC)
    silent = report("s", pid=4711, heard_at=now - timedelta(minutes=3))
    old = report("o", revision=1, mode=SAFE, in_flight={STUB: 2}, heard_at=now + STAYS_LIVE)
    for each in (silent, old):
        assert ProcessRegistry(terminal.files).beat(each)
    answer = terminal.type(*ROLLBACK, "--wait", "1s")
    assert answer.code == 0
    assert f"2 submissions in flight still end in {STUB}, in which they began" in answer.out
    assert "not heard of for 10 s, so not counted: pid 4711 on node1 (3 min" in answer.out
    assert "2 submissions in flight still end" in terminal.type("status", "--check").out


def test_nobody_heard_of_is_no_proof(terminal: Terminal) -> None:
    answer = terminal.type(*ROLLBACK, "--wait", "1s", "--json")
    assert answer.code == 4
    assert answer.json["convergence"]["is_proven"] is False
    assert answer.json["convergence"]["took_s"] is None


def test_the_wait_goes_on_while_a_process_that_lives_is_not_on_record(terminal: Terminal) -> None:
    say_revision(terminal, "a", 1)
    HeardFiles(terminal.files.heard).begin("lost", (datetime.now(UTC) + STAYS_LIVE).timestamp())
    answer = terminal.type(*ROLLBACK, "--wait", "1s")
    assert answer.code == 4
    assert "may be more: runtime.db has no record of 1 that lives" in answer.out
    HeardFiles(terminal.files.heard).end("lost")
    assert terminal.type(*ROLLBACK, "--wait", "60s").code == 0


def test_without_wait_the_act_is_done_and_says_what_was_seen(terminal: Terminal) -> None:
    say_revision(terminal, "a", 0)
    answer = terminal.type(*ROLLBACK)
    assert answer.code == 0
    assert "0 of 1 process heard of on this host follows; behind: pid" in answer.out
