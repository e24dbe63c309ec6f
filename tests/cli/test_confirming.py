"""An act upward on a terminal: before → after, and a question."""

import pytest

from flagctl.domain.change import RollBack
from flagctl.vocabulary import Action, Mode, Outcome
from tests.cli.screen import screen
from tests.cli.terminal import Terminal

SAFE, STUB, REAL = Mode
END = ("end", "--reason", "over", "--no-follow-up", "a drill")


@pytest.fixture
def rolled_back(terminal: Terminal) -> Terminal:
    terminal.act(RollBack(SAFE, "slow"))
    return terminal


def test_yes_does_it(rolled_back: Terminal) -> None:
    with screen(rolled_back, *END) as shown:
        shown.read_until("[y/N]")
        assert f"{SAFE} → {STUB} by flags, as of revision 1. Do it?" in shown.text
        shown.press("y\n")
        assert "as revision 2" in shown.rest()
    assert shown.process.returncode == 0


@pytest.mark.parametrize("keys", ["n\n", "\n", "\x04", "\x03"], ids=["n", "enter", "eof", "ctrl-c"])
def test_anything_else_changes_nothing(rolled_back: Terminal, keys: str) -> None:
    with screen(rolled_back, *END) as shown:
        shown.read_until("[y/N]")
        assert "nothing was changed" in shown.rest(keys)
    assert shown.process.returncode == 130
    assert rolled_back.trail() == [(Action.ROLL_BACK, Outcome.ACCEPTED)]


def test_a_change_at_another_terminal_while_the_question_stands_is_not_overwritten(
    rolled_back: Terminal,
) -> None:
    with screen(rolled_back, *END) as shown:
        shown.read_until("[y/N]")
        rolled_back.do("extend", "--expires", "8h", "--reason", "not over yet")
        shown.press("y\n")
        told = shown.rest()
    assert shown.process.returncode == 6
    assert "somebody changed something meanwhile" in told
    assert "extended the rollback (extension 1) as revision 2" in told
    assert rolled_back.trail()[-1] == (Action.END_ROLLBACK, Outcome.REFUSED)


def test_nobody_is_asked_for_what_will_be_refused(terminal: Terminal) -> None:
    words = ["cutover", REAL, "--reason", "ready", "--expires", "30d", "--owner", "carol"]
    with screen(terminal, *words) as shown:
        told = shown.rest()
    assert shown.process.returncode == 7
    assert "[y/N]" not in told
    assert "preconditions are unknown" in told


def test_toward_safe_asks_nothing(rolled_back: Terminal) -> None:
    with screen(rolled_back, "rollback", SAFE, "--reason", "again") as shown:
        assert "[y/N]" not in shown.rest()
    assert shown.process.returncode == 0
