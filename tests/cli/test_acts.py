"""The acts, typed by somebody at a terminal."""

from datetime import UTC, datetime, timedelta

import pytest

from flagctl.domain.change import CutOver
from flagctl.vocabulary import Action, Mode, Outcome
from tests.cli.terminal import Terminal

SAFE, STUB, REAL = Mode


def test_a_rollback_is_in_force_by_flags_when_the_command_is_done(terminal: Terminal) -> None:
    answer = terminal.do("rollback", SAFE, "--reason", "submit p99 over 30 s")
    assert f"{STUB} → {SAFE} as revision 1, until" in answer.out
    assert "expires in 4 h" in answer.out
    assert terminal.do("status", "--json").json["by_flags"] == SAFE


def test_a_rollback_ends_with_a_line_for_the_incident_channel(terminal: Terminal) -> None:
    answer = terminal.do(
        "rollback", SAFE, "--reason", "slow", "--incident", "INC-42", FLAGCTL_ENVIRONMENT="staging"
    )
    line = answer.out.splitlines()[-1]
    assert f" UTC staging {STUB} → {SAFE} by " in line
    assert "INC-42, rev 1" in line
    assert ", until " in line


def test_rolling_back_to_what_is_so_already_says_so_and_succeeds(terminal: Terminal) -> None:
    answer = terminal.do("rollback", STUB, "--reason", "to be sure")
    assert f"asked to roll back to {STUB}; {STUB} is by flags already" in answer.out
    assert "incident" not in answer.out
    assert terminal.trail() == [(Action.ROLL_BACK, Outcome.ALREADY)]


def test_a_rollback_is_extended_handed_over_and_ended(terminal: Terminal) -> None:
    terminal.do("rollback", SAFE, "--reason", "slow")
    assert "(extension 1)" in terminal.do("extend", "--expires", "2h", "--reason", "still").out
    assert "to bob" in terminal.do("handover", "--owner", "bob", "--reason", "end of shift").out
    ended = terminal.do("end", "--reason", "over", "--follow-up", "OPS-7", "--revision", "3")
    assert f"{SAFE} → {STUB} (follow-up OPS-7), as revision 4" in ended.out
    assert terminal.do("status", "--json").json["flags"] == []


def test_a_rollback_is_raised_part_of_the_way(terminal: Terminal) -> None:
    end = datetime.now(UTC) + timedelta(days=30)
    terminal.act(CutOver(REAL, "carol", "ready", end, revision=0))
    terminal.do("rollback", SAFE, "--reason", "slow")
    answer = terminal.do("raise", STUB, "--reason", "better", "--revision", "2")
    assert f"raised the rollback {SAFE} → {STUB}" in answer.out


def test_an_act_upward_in_a_script_needs_the_revision_and_says_which(terminal: Terminal) -> None:
    terminal.do("rollback", SAFE, "--reason", "slow")
    answer = terminal.type("end", "--reason", "over", "--no-follow-up", "a drill")
    assert answer.code == 2
    assert "--revision 1" in answer.err
    assert terminal.do("status", "--json").json["revision"] == 1


def test_a_stale_act_is_refused_and_told_what_changed_meanwhile(terminal: Terminal) -> None:
    terminal.do("rollback", SAFE, "--reason", "slow")
    answer = terminal.type(
        "end", "--reason", "over", "--no-follow-up", "a drill", "--revision", "0", "--json"
    )
    assert answer.code == 6
    assert answer.error["code"] == "stale"
    assert answer.error["revision"] == 1
    assert f"rolled back {STUB} → {SAFE}" in answer.error["notes"][0]
    assert terminal.trail()[-1] == (Action.END_ROLLBACK, Outcome.REFUSED)


def test_a_gate_that_does_not_open_refuses_with_the_reason(terminal: Terminal) -> None:
    words = ["cutover", REAL, "--reason", "ready", "--expires", "30d", "--owner", "carol"]
    answer = terminal.type(*words, "--revision", "0")
    assert answer.code == 7
    assert "preconditions are unknown" in answer.err
    assert terminal.trail() == [(Action.CUT_OVER, Outcome.REFUSED)]


@pytest.mark.parametrize("words", [["end", "--follow-up", "OPS-7"], ["extend", "--expires", "1h"]])
def test_an_act_on_a_rollback_that_nobody_started_is_refused(
    terminal: Terminal, words: list[str]
) -> None:
    revision = ["--revision", "0"] if words[0] == "end" else []
    answer = terminal.type(*words, "--reason", "over", *revision)
    assert answer.code == 7
    assert "There is no active rollback" in answer.err


def test_the_trail_names_the_user_and_keeps_a_claim_beside_it(terminal: Terminal) -> None:
    terminal.do("rollback", SAFE, "--reason", "slow", "--actor", "alice")
    event = terminal.do("audit", "list", "--json").json[0]
    assert event["actor"].startswith("os:")
    assert (event["claim"], event["source"]) == ("alice", "cli")
