"""Who may sign in, and which secrets open which door."""

import pytest

from flagctl.domain.access import RuntimeScope, token_hash
from flagctl.store.connection import open_connection
from flagctl.store.reading import read_snapshot
from flagctl.vocabulary import Action, Outcome
from tests.cli.terminal import Terminal


def scopes(terminal: Terminal) -> dict[str, RuntimeScope]:
    connection = open_connection(terminal.files.control)
    found = dict(read_snapshot(connection).scopes)
    connection.close()
    return found


def test_a_runtime_token_carries_its_scope_and_only_its_hash_is_kept(terminal: Terminal) -> None:
    words = ["--tenant", "acme", "--workspace", "w1", "--workspace", "w2", "--node", "n1"]
    answer = terminal.do("tokens", "issue", "ci", *words)
    secret = answer.out.splitlines()[-1]
    assert secret.startswith("flagctl_")
    wanted = RuntimeScope("acme", frozenset({"w1", "w2"}), frozenset({"n1"}))
    assert scopes(terminal) == {token_hash(secret): wanted}
    assert secret.encode() not in terminal.files.control.read_bytes()
    assert secret not in terminal.do("tokens", "list", "--json").out


def test_what_a_token_does_not_name_it_may_do_with_any(terminal: Terminal) -> None:
    terminal.do("tokens", "issue", "ci", "--tenant", "acme")
    assert "tenant acme, any workspace, any node" in terminal.do("tokens", "list").out


def test_an_active_name_is_taken_and_a_revoked_one_is_free(terminal: Terminal) -> None:
    words = ("tokens", "issue", "ci", "--role", "operator")
    terminal.do(*words)
    answer = terminal.type(*words)
    assert answer.code == 7
    assert "flagctl tokens revoke ci" in answer.err
    terminal.do("tokens", "revoke", "ci")
    terminal.do(*words)
    assert terminal.trail() == [
        (Action.TOKEN_ISSUED, Outcome.ACCEPTED),
        (Action.TOKEN_ISSUED, Outcome.REFUSED),
        (Action.TOKEN_REVOKED, Outcome.ACCEPTED),
        (Action.TOKEN_ISSUED, Outcome.ACCEPTED),
    ]


def test_a_revoked_runtime_token_opens_nothing(terminal: Terminal) -> None:
    terminal.do("tokens", "issue", "ci", "--tenant", "acme")
    terminal.do("tokens", "revoke", "ci")
    assert scopes(terminal) == {}


def test_a_new_person_gets_a_link_that_is_kept_as_a_hash(terminal: Terminal) -> None:
    answer = terminal.do(
        "users", "add", "alice", "--role", "admin", FLAGCTL_PUBLIC_URL="https://flags.example.org/"
    )
    link = answer.out.splitlines()[-1]
    assert link.startswith("https://flags.example.org/sign-in/")
    secret = link.rpartition("/")[2]
    connection = open_connection(terminal.files.control)
    rows = connection.execute("SELECT secret_hash, used_at FROM sign_in_link").fetchall()
    connection.close()
    assert rows == [(token_hash(secret), None)]


def test_a_new_link_kills_the_one_before_it(terminal: Terminal) -> None:
    terminal.do("users", "add", "alice")
    terminal.do("users", "link", "alice")
    connection = open_connection(terminal.files.control)
    used = connection.execute("SELECT used_at IS NULL FROM sign_in_link ORDER BY id").fetchall()
    connection.close()
    assert used == [(0,), (1,)]


@pytest.mark.parametrize(
    "words", [("users", "disable", "alice"), ("users", "role", "alice", "--role", "operator")]
)
def test_the_last_administrator_stays(terminal: Terminal, words: tuple[str, ...]) -> None:
    terminal.do("users", "add", "alice", "--role", "admin")
    answer = terminal.type(*words)
    assert answer.code == 7
    assert "alice is the last administrator" in answer.err
    assert terminal.trail()[-1] == (Action.PERSON_CHANGED, Outcome.REFUSED)
    terminal.do("users", "add", "bob", "--role", "admin")
    terminal.do(*words)


def test_a_disabled_person_gets_no_link_until_let_in_again(terminal: Terminal) -> None:
    terminal.do("users", "add", "bob")
    terminal.do("users", "disable", "bob")
    assert terminal.type("users", "link", "bob").code == 7
    terminal.do("users", "add", "bob", "--role", "operator")
    listed = terminal.do("users", "list", "--json").json
    assert [(each["name"], each["role"], each["disabled_at"]) for each in listed] == [
        ("bob", "operator", None)
    ]


def test_changes_of_people_and_tokens_do_not_make_a_revision_stale(terminal: Terminal) -> None:
    terminal.do("users", "add", "alice", "--role", "admin")
    terminal.do("tokens", "issue", "ci", "--tenant", "acme")
    assert terminal.do("status", "--json").json["revision"] == 0
