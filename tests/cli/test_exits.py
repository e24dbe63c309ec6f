"""Every kind of failure has an exit code, and the runbook tells each of them."""

import re

from flagctl.cli import exits
from flagctl.errors import Code
from tests.guards.tree import ROOT

ROW = re.compile(r"^\| (\d+) \| (.*?) \|", re.MULTILINE)


def told_in_the_runbook() -> dict[int, str]:
    table = (ROOT / "docs/runbook.md").read_text().partition("| exit | code |")[2]
    told: dict[int, str] = {}
    for code, names in ROW.findall(table.partition("\n\n")[0]):
        told[int(code)] = told.get(int(code), "") + names
    return told


def test_every_code_has_an_exit() -> None:
    assert set(exits.EXITS) == set(Code)


def test_the_runbook_tells_every_exit() -> None:
    named = {value for name, value in vars(exits).items() if name.isupper() and name != "EXITS"}
    numbers = {value for value in named if isinstance(value, int)} | set(exits.EXITS.values())
    assert numbers - {exits.BROKEN_PIPE} == set(told_in_the_runbook())
