"""What can't be taken gets a clear answer, and nothing is lost or changed."""

import pytest

from flagctl.vocabulary import Mode
from tests.cli.terminal import Terminal

SAFE, STUB, REAL = Mode
ROLLBACK = ("rollback", SAFE)
REASON = ("--reason", "slow")

# The command line, its exit code, and what the message must say.
CASES: dict[str, tuple[tuple[str, ...], int, str]] = {
    "an unknown mode": (("rollback", "off", *REASON), 2, "'off' is not a mode. The modes are"),
    "a mode in capitals": (("rollback", SAFE.upper(), *REASON), 2, "is not a mode"),
    "no mode": (("rollback", *REASON), 2, "Missing argument 'MODE'"),
    "no reason": (ROLLBACK, 2, "Missing option '--reason'"),
    "a blank reason": ((*ROLLBACK, "--reason", "  "), 2, "reason is blank"),
    "a long reason": ((*ROLLBACK, "--reason", "x" * 501), 2, "reason has 501 characters"),
    "a line break": ((*ROLLBACK, "--reason", "a\nb"), 2, "control character"),
    "an escape": ((*ROLLBACK, "--reason", "a\x1b[2Jb"), 2, "control character"),
    "an expiry without unit": ((*ROLLBACK, *REASON, "--expires", "4"), 2, "can't be read"),
    "an expiry in the past": (
        (*ROLLBACK, *REASON, "--expires", "2020-01-01T00:00:00Z"),
        2,
        "not in the future",
    ),
    "an expiry of nothing": ((*ROLLBACK, *REASON, "--expires", "0s"), 2, "not in the future"),
    "an expiry too far away": ((*ROLLBACK, *REASON, "--expires", "8d"), 2, "at most 7 d from now"),
    "an expiry beyond the calendar": (
        (*ROLLBACK, *REASON, "--expires", "999999999d"),
        2,
        "beyond the calendar",
    ),
    "a time without a zone": (
        (*ROLLBACK, *REASON, "--expires", "2030-01-01T00:00:00"),
        2,
        "has no time zone",
    ),
    "a blank owner": ((*ROLLBACK, *REASON, "--owner", " "), 2, "owner is blank"),
    "a long claim": ((*ROLLBACK, *REASON, "--actor", "x" * 101), 2, "actor has 101 characters"),
    "a wait without unit": ((*ROLLBACK, *REASON, "--wait", "10"), 2, "wait '10' can't be read"),
    "a revision that is no number": (
        ("end", *REASON, "--follow-up", "X-1", "--revision", "x"),
        2,
        "--revision",
    ),
    "both follow-ups": (
        ("end", *REASON, "--follow-up", "X-1", "--no-follow-up", "none", "--revision", "0"),
        2,
        "one of the two",
    ),
    "no follow-up": (("end", *REASON, "--revision", "0"), 2, "one of the two"),
    "a cutover without an owner": (
        ("cutover", STUB, *REASON, "--expires", "1d"),
        2,
        "Missing option '--owner'",
    ),
    "an unknown command": (("rolback", SAFE), 2, "No such command 'rolback'"),
    "an unknown option": ((*ROLLBACK, *REASON, "--force"), 2, "No such option: --force"),
    "an unknown filter": (("audit", "list", "--action", "explode"), 2, "--action"),
    "a filter without a zone": (
        ("audit", "list", "--since", "2026-05-01T12:00:00"),
        2,
        "since '2026-05-01T12:00:00' has no time zone",
    ),
    "an unknown format": (("audit", "export", "--format", "xml"), 2, "--format"),
    "JSON as CSV": (("audit", "export", "--format", "csv", "--json"), 2, "exclude each other"),
    "a token for nothing": (("tokens", "issue", "ci"), 2, "one of the two"),
    "a token for both": (
        ("tokens", "issue", "ci", "--role", "operator", "--tenant", "acme"),
        2,
        "one of the two",
    ),
    "a workspace of no tenant": (("tokens", "issue", "ci", "--workspace", "w"), 2, "--tenant"),
    "an unknown role": (("users", "add", "bob", "--role", "root"), 2, "--role"),
    "a token nobody issued": (("tokens", "revoke", "ci"), 2, "No active token is called 'ci'"),
    "a person nobody added": (("users", "disable", "bob"), 2, "nobody called 'bob'"),
}


@pytest.mark.parametrize(("words", "code", "message"), CASES.values(), ids=CASES.keys())
def test_it_is_refused_with_a_message_and_nothing_is_changed(
    terminal: Terminal, words: tuple[str, ...], code: int, message: str
) -> None:
    answer = terminal.type(*words)
    assert answer.code == code
    assert message in answer.err
    assert answer.err.startswith(("flagctl: ", '{"code": "invalid"'))
    assert "Traceback" not in answer.err
    assert answer.out == ""
    assert terminal.trail() == []


def test_with_json_the_complaint_is_json_too(terminal: Terminal) -> None:
    for words in [("rollback", "off", *REASON), ("nonsense",), ("rollback",)]:
        answer = terminal.type(*words, "--json")
        assert answer.error["code"] == "invalid"
        assert answer.error["exit"] == answer.code == 2
        assert answer.error["message"]


def test_markup_is_only_text(terminal: Terminal) -> None:
    reason = "<script>alert(1)</script> %s {0} ' \" ; DROP TABLE flag; --"
    terminal.do("rollback", SAFE, f"--reason={reason}")
    assert terminal.do("status", "--json").json["flags"][0]["reason"] == reason
    assert reason in terminal.do("status").out


def test_text_that_reorders_what_is_read_is_shown_escaped_and_kept_as_it_is(
    terminal: Terminal,
) -> None:
    reason = "safe \u202eevil\u2066"
    answer = terminal.do("rollback", SAFE, "--reason", reason)
    assert r"safe \u{202e}evil\u{2066}" in answer.out
    assert "\u202e" not in terminal.do("status").out
    assert terminal.do("status", "--json").json["flags"][0]["reason"] == reason


def test_a_terminal_without_an_arrow_gets_an_escape(terminal: Terminal) -> None:
    answer = terminal.do("rollback", SAFE, "--reason", "slow", PYTHONIOENCODING="ascii")
    assert r"\u2192" in answer.out


def test_a_setting_that_cannot_be_used_does_not_stop_a_rollback(terminal: Terminal) -> None:
    answer = terminal.do(*ROLLBACK, *REASON, ZPE_SLURM_ADAPTER="bogus")
    assert "warning: ZPE_SLURM_ADAPTER=bogus can't be used" in answer.err


def test_status_says_that_a_process_with_such_a_setting_would_not_start(
    terminal: Terminal,
) -> None:
    answer = terminal.type("status", ZPE_SLURM_ADAPTER="bogus")
    assert answer.code == 2
    assert "ZPE_SLURM_ADAPTER=bogus can't be used" in answer.err


def test_real_policy_without_a_policy_file_does_not_start(terminal: Terminal) -> None:
    for part in ("web", "runtime", "up"):
        answer = terminal.type(part, ZPE_SLURM_ADAPTER=REAL)
        assert answer.code == 2
        assert "ZPE_SLURM_POLICY_PATH is not set" in answer.err
