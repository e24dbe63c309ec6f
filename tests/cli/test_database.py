"""`flagctl db`: the control database is copied, examined and brought back while in use."""

import hashlib
import sqlite3
from pathlib import Path

from flagctl.domain.change import EndRollback, RollBack
from flagctl.vocabulary import Action, Mode, Outcome
from tests.cli.terminal import Terminal

SAFE, STUB, REAL = Mode


def test_the_database_is_made_once(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path / "new")
    assert "is ready now" in terminal.do("db", "upgrade").out
    assert "was up to date already" in terminal.do("db", "upgrade").out
    assert terminal.do("db", "upgrade", "--json").json["changed"] is False


def test_a_whole_database_passes_the_check(terminal: Terminal) -> None:
    terminal.act(RollBack(SAFE, "slow"))
    assert "is whole" in terminal.do("db", "check").out
    assert terminal.do("db", "check", "--json").json["is_whole"] is True


def test_a_lost_trigger_fails_the_check_with_exit_5(terminal: Terminal) -> None:
    connection = sqlite3.connect(terminal.files.control)
    connection.execute("DROP TRIGGER audit_event_no_update")
    connection.close()
    answer = terminal.type("db", "check")
    assert answer.code == 5
    assert "FAILED schema: the trigger audit_event_no_update is missing" in answer.out


def test_a_backup_tells_what_to_keep_elsewhere(terminal: Terminal, tmp_path: Path) -> None:
    receipt = terminal.act(RollBack(SAFE, "slow"))
    target = tmp_path / "backup.db"
    answer = terminal.do("db", "backup", str(target))
    assert f"{SAFE} by flags at revision 1" in answer.out
    assert hashlib.sha256(target.read_bytes()).hexdigest() in answer.out
    assert receipt.event.hash in answer.out


def test_a_restore_never_raises_the_mode_and_tells_what_it_did(
    terminal: Terminal, tmp_path: Path
) -> None:
    target = tmp_path / "backup.db"
    terminal.do("db", "backup", str(target))
    terminal.act(RollBack(SAFE, "slow"))
    answer = terminal.do("db", "restore", str(target), "--reason", "a drill")
    assert "restored a backup of the control database from" in answer.out
    assert f"A rollback at {SAFE} was added" in answer.out
    assert "What it replaced is kept as" in answer.out
    shown = terminal.do("status", "--json").json
    assert (shown["by_flags"], shown["revision"]) == (SAFE, 2)
    assert terminal.trail()[-1] == (Action.RESTORE, Outcome.ACCEPTED)
    assert "The chain holds" in terminal.do("audit", "verify").out


def test_a_restore_keeps_a_rollback_that_was_ended_since(
    terminal: Terminal, tmp_path: Path
) -> None:
    target = tmp_path / "backup.db"
    terminal.act(RollBack(SAFE, "slow"))
    terminal.do("db", "backup", str(target))
    terminal.act(EndRollback("over", no_follow_up="none", revision=1))
    shown = terminal.do("db", "restore", str(target), "--json").json
    assert shown["event"]["action"] == Action.RESTORE
    assert terminal.do("status", "--json").json["by_flags"] == SAFE


def test_what_is_no_backup_is_not_restored(terminal: Terminal, tmp_path: Path) -> None:
    other = tmp_path / "notes.txt"
    other.write_text("no database")
    answer = terminal.type("db", "restore", str(other))
    assert answer.code == 2
    assert terminal.trail() == []


def test_what_lies_where_the_backup_should_go_is_left_alone(
    terminal: Terminal, tmp_path: Path
) -> None:
    other = tmp_path / "notes.txt"
    other.write_text("no database")
    answer = terminal.type("db", "backup", str(other))
    assert answer.code == 2
    assert "is no backup; it is left alone" in answer.err
    assert other.read_text() == "no database"
