"""`--wait`: proof that every live process follows, or who does not."""

import threading
from datetime import UTC, datetime

from flagctl.store.runtime_db import ProcessRegistry
from flagctl.vocabulary import Mode
from tests.cli.terminal import Terminal
from tests.reports import STAYS_LIVE, report
from tests.waiting import wait_until

SAFE, STUB, REAL = Mode
ROLLBACK = ("rollback", SAFE, "--reason", "slow")


def say_revision(terminal: Terminal, name: str, revision: int) -> None:
    now = datetime.now(UTC)
    words = report(name, revision=revision, heard_at=now + STAYS_LIVE, started_at=now)
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


def test_nobody_heard_of_is_no_proof(terminal: Terminal) -> None:
    answer = terminal.type(*ROLLBACK, "--wait", "1s", "--json")
    assert answer.code == 4
    assert answer.json["convergence"]["is_proven"] is False
    assert answer.json["convergence"]["took_s"] is None


def test_without_wait_the_act_is_done_and_says_what_was_seen(terminal: Terminal) -> None:
    say_revision(terminal, "a", 0)
    answer = terminal.type(*ROLLBACK)
    assert answer.code == 0
    assert "0 of 1 process heard of on this host follows; behind: pid" in answer.out
