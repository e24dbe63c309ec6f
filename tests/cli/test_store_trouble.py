"""A store that can't be used: a message that says why and what to do, and exit 8."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from flagctl.store.connection import open_connection
from flagctl.vocabulary import Mode
from tests.cli.terminal import Terminal

SAFE = next(iter(Mode))


def missing(terminal: Terminal) -> None:
    terminal.files.control.unlink()


def empty(terminal: Terminal) -> None:
    terminal.files.control.write_bytes(b"")


def corrupt(terminal: Terminal) -> None:
    terminal.files.control.write_bytes(b"this is no database " * 200)


def of_a_newer_schema(terminal: Terminal) -> None:
    with sqlite3.connect(terminal.files.control) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()


TROUBLES: dict[str, tuple[Callable[[Terminal], None], str]] = {
    "missing": (missing, "does not exist. Check FLAGCTL_DATA_DIR"),
    "empty": (empty, "holds no tables"),
    "corrupt": (corrupt, "is damaged"),
    "newer": (of_a_newer_schema, "was written by a newer version"),
}
COMMANDS = {
    "status": ("status",),
    "rollback": ("rollback", SAFE, "--reason", "slow"),
    "end": ("end", "--reason", "over", "--follow-up", "X-1", "--revision", "1"),
    "audit": ("audit", "list"),
    "verify": ("audit", "verify"),
    "tokens": ("tokens", "issue", "ci", "--tenant", "acme"),
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS.keys())
@pytest.mark.parametrize(("spoil", "message"), TROUBLES.values(), ids=TROUBLES.keys())
def test_each_command_says_what_is_wrong_with_the_store(
    terminal: Terminal,
    command: tuple[str, ...],
    spoil: Callable[[Terminal], None],
    message: str,
) -> None:
    spoil(terminal)
    answer = terminal.type(*command)
    assert answer.code == 8
    assert message in answer.err
    assert answer.out == ""


@contextmanager
def locked(terminal: Terminal) -> Iterator[None]:
    connection = open_connection(terminal.files.control)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.close()


def test_a_locked_store_can_be_read_and_refuses_an_act_after_the_busy_timeout(
    terminal: Terminal,
) -> None:
    with locked(terminal):
        assert terminal.type("status").code == 0
        answer = terminal.type(
            "rollback", SAFE, "--reason", "slow", "--json", FLAGCTL_BUSY_TIMEOUT_S="0.1"
        )
    assert answer.code == 8
    assert answer.error["code"] == "unavailable"
    assert "is locked by another process" in answer.error["message"]


def test_a_rollback_works_with_everything_else_down_and_spoilt(terminal: Terminal) -> None:
    terminal.files.runtime.write_bytes(b"no database")
    terminal.files.submissions.write_bytes(b"no database")
    terminal.files.spool.write_bytes(b"no directory")
    assert "as revision 1" in terminal.do("rollback", SAFE, "--reason", "slow").out
