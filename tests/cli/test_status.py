"""`flagctl status`: what on-call reads first."""

from datetime import UTC, datetime, timedelta
from typing import Any

from flagctl.domain.change import RollBack
from flagctl.store.runtime_db import ProcessRegistry
from flagctl.vocabulary import Freshness, Mode, Source
from tests.cli.terminal import Terminal
from tests.reports import STAYS_LIVE, report

SAFE, STUB, REAL = Mode


def hear_of(terminal: Terminal, name: str, ago: timedelta = -STAYS_LIVE, **changes: Any) -> None:
    """Have a process say something of itself, a while ago."""
    heard_at = datetime.now(UTC) - ago
    words = {"heard_at": heard_at, "started_at": heard_at, **changes}
    assert ProcessRegistry(terminal.files).beat(report(name, **words))


def test_the_first_line_says_the_mode_by_flags_and_why(terminal: Terminal) -> None:
    terminal.act(RollBack(SAFE, "submit p99 over 30 s", incident="INC-42"))
    first = terminal.do("status").out.splitlines()[0]
    assert first.startswith(f"{SAFE} by flags: rolled back from {STUB} by carol ")
    assert first.endswith("“submit p99 over 30 s”, INC-42")


def test_without_a_flag_the_first_line_says_that_it_is_the_default(terminal: Terminal) -> None:
    first = terminal.do("status").out.splitlines()[0]
    assert first == f"{STUB} by flags: no flag is active, this is the built-in default"


def test_the_json_has_the_keys_that_scripts_rely_on(terminal: Terminal) -> None:
    shown = terminal.do("status", "--json").json
    assert {"by_flags", "effective", "revision", "flags", "processes"} <= set(shown)
    assert shown["effective"] == {
        "mode": STUB,
        "configured": STUB,
        "source": Source.DEFAULT,
        "freshness": Freshness.FRESH,
        "revision": 0,
    }


def test_effective_is_what_a_process_with_this_environment_would_get(terminal: Terminal) -> None:
    shown = terminal.do("status", "--json", ZPE_SLURM_ADAPTER=SAFE).json
    assert shown["by_flags"] == STUB
    assert shown["effective"]["mode"] == SAFE
    assert shown["effective"]["source"] == Source.ENV


def test_an_expired_rollback_is_named_first_and_its_three_ways_out_last(terminal: Terminal) -> None:
    terminal.act(RollBack(SAFE, "slow"), at=datetime.now(UTC) - timedelta(hours=5))
    lines = terminal.do("status").out.splitlines()
    assert "EXPIRED 1 h ago" in lines[0]
    assert [word for line in lines for word in ("end", "extend", "handover") if word in line][-3:]
    assert terminal.type("status", "--check").code == 3


def test_the_check_exits_4_when_a_live_process_does_not_follow(terminal: Terminal) -> None:
    hear_of(terminal, "a", revision=1)
    hear_of(terminal, "b", revision=0, pid=4711)
    terminal.act(RollBack(SAFE, "slow"))
    answer = terminal.type("status", "--check")
    assert answer.code == 4
    assert "1 of 2 processes heard of on this host follow; behind: pid 4711 on node1" in answer.out


def test_the_check_passes_while_everybody_follows(terminal: Terminal) -> None:
    hear_of(terminal, "a", revision=0)
    assert terminal.type("status", "--check").code == 0


def test_the_check_does_not_pass_on_processes_that_nobody_can_see(terminal: Terminal) -> None:
    terminal.files.runtime.write_bytes(b"no database" * 1000)
    answer = terminal.type("status", "--check")
    assert answer.code == 8
    assert "There may be processes that are not shown" in answer.out
    assert terminal.do("status", "--json").json["may_miss_processes"] is True


def test_a_silent_process_is_named_and_holds_nothing_up(terminal: Terminal) -> None:
    hear_of(terminal, "a", revision=0)
    hear_of(terminal, "b", ago=timedelta(minutes=3), pid=4711)
    answer = terminal.type("status", "--check")
    assert answer.code == 0
    assert "pid 4711 on node1 was last heard of 3 min ago" in answer.out


def test_each_process_tells_its_mode_source_freshness_revision_and_pin(terminal: Terminal) -> None:
    hear_of(terminal, "a", pid=4711, pin=SAFE, mode=SAFE, source=Source.ENV, revision=0)
    text = terminal.do("status").out
    line = next(line for line in text.splitlines() if line.startswith("  pid 4711 on node1"))
    assert f"{SAFE} by environment pin, pinned to {SAFE}, fresh, revision 0" in line


def test_a_break_glass_file_is_shown_with_who_owns_it_and_what_to_do(terminal: Terminal) -> None:
    terminal.files.break_glass.touch()
    shown = terminal.do("status", "--json").json
    assert shown["by_flags"] == STUB
    assert shown["effective"]["mode"] == SAFE
    assert shown["break_glass"]["path"] == str(terminal.files.break_glass)
    assert "A BREAK_GLASS file lowers every process" in terminal.do("status").out
