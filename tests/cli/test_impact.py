"""`flagctl impact`: did it help?"""

from datetime import UTC, datetime, timedelta

from flagctl.domain.change import RollBack
from flagctl.vocabulary import Mode, ResolutionOutcome
from tests.cli.terminal import Terminal
from tests.counting import key, leave

SAFE, STUB, _REAL = Mode


def test_it_says_what_a_flip_did_to_errors(terminal: Terminal) -> None:
    terminal.act(RollBack(SAFE, "submit p99 over 30 s"))
    now = datetime.now(UTC)
    before = now - timedelta(minutes=2)
    leave(
        terminal.files,
        now,
        {
            key(before): 86,
            key(before, outcome=ResolutionOutcome.MISCONFIGURED): 14,
            key(now, SAFE, revision=1): 50,
        },
    )
    said = terminal.do("impact").out
    assert "150 resolutions, errors 9.3 %, denied 0 %; 1 flip." in said
    assert "revision 1: errors 14 % → 0 % (of 100 before and 50 after so far)" in said
    assert f"rolled back {STUB} → {SAFE} as revision 1" in said
    assert f"{STUB}: 86 resolved, 14 misconfigured" in said
    shown = terminal.do("impact", "--json").json
    assert len(shown["minutes"]) == 60
    assert shown["flips"][0]["before"]["errors"] == 14


def test_without_any_count_it_says_so(terminal: Terminal) -> None:
    assert terminal.do("impact").out == "No process counted anything in the last hour.\n"


def test_a_runtime_db_that_cannot_be_read_is_said_and_is_no_failure(terminal: Terminal) -> None:
    terminal.act(RollBack(SAFE, "p99"))
    terminal.files.runtime.write_bytes(b"no database" * 1000)
    answer = terminal.do("impact")
    assert answer.out == "The counts can't be read now.\n"
