"""A newcomer who follows only the README gets what it promises."""

import re
import shlex
from pathlib import Path

from flagctl.vocabulary import Mode
from tests.cli.running import started
from tests.cli.screen import screen
from tests.guards.tree import ROOT

SAFE, STUB, REAL = Mode
TYPED = re.compile(r"^ *\$ \.venv/bin/flagctl (.+)$", re.MULTILINE)


def typed_commands() -> list[list[str]]:
    """The words of each `flagctl` command in the README, in its order."""
    return [shlex.split(line) for line in TYPED.findall((ROOT / "README.md").read_text())]


def test_its_steps_lead_there_and_back_and_the_trail_tells_the_story(tmp_path: Path) -> None:
    rollback, status, listing, verify, end = typed_commands()
    with started(tmp_path) as (terminal, up):
        before = up.submit()
        assert "1 of 1 process heard of on this host follows" in terminal.do(*rollback).out
        after = up.submit()
        assert up.adapter_of(before["trace_id"]) == STUB
        assert up.adapter_of(after["trace_id"]) == SAFE
        assert terminal.do(*status).out.startswith(f"{SAFE} by flags: rolled back from {STUB}")
        assert f"rolled back {STUB} → {SAFE} as revision 1" in terminal.do(*listing).out
        assert "The chain holds" in terminal.do(*verify).out
        with screen(terminal, *end) as shown:
            shown.read_until("[y/N]")
            shown.press("y\n")
            assert f"{SAFE} → {STUB}" in shown.rest()


def test_every_file_that_it_links_to_is_there() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", (ROOT / "README.md").read_text())
    assert links
    missing = [link for link in links if not (ROOT / link).exists()]
    assert not missing
