"""`flagctl doctor`: one line for each thing, also when everything is broken."""

import os
import shutil
from contextlib import closing
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from flagctl.adapter.sample_policy import copy_sample_policy
from flagctl.cli import examination
from flagctl.domain.change import RollBack
from flagctl.domain.flag import ControlState
from flagctl.settings import Settings
from flagctl.store.connection import open_connection
from flagctl.store.last_known_good import LastKnownGoodFile
from flagctl.vocabulary import Health, Mode, ModeSignal
from tests.cli.terminal import Answer, Terminal


@pytest.fixture
def ready(terminal: Terminal) -> Terminal:
    """Everything in order, and no server looked for on the ports of a real one."""
    policy = terminal.files.directory / "policy.json"
    copy_sample_policy(policy)
    terminal.files.directory.chmod(0o2770)
    terminal.environment["ZPE_SLURM_POLICY_PATH"] = str(policy)
    return terminal


def findings(answer: Answer) -> dict[str, dict[str, Any]]:
    return {finding["name"]: finding for finding in answer.json["findings"]}


def test_in_order_it_exits_with_0_and_nothing_failed(ready: Terminal) -> None:
    answer = ready.do("doctor", "--json")
    assert not [each for each in findings(answer).values() if each["health"] == Health.FAILED]


def test_every_setting_is_told_with_its_value_and_source(ready: Terminal) -> None:
    answer = ready.do("doctor", "--json", FLAGCTL_ENVIRONMENT="staging")
    told = {line["name"]: line for line in answer.json["settings"]}
    assert set(told) == {item.metadata["name"] for item in fields(Settings)}
    assert told["FLAGCTL_ENVIRONMENT"]["value"] == "staging"
    assert told["FLAGCTL_ENVIRONMENT"]["source"] == "environment"
    assert told["FLAGCTL_BUSY_TIMEOUT_S"]["source"] == "default"


def damage_policy(terminal: Terminal) -> None:
    Path(terminal.environment["ZPE_SLURM_POLICY_PATH"]).write_text("{")


def damage_control(terminal: Terminal) -> None:
    terminal.files.control.write_bytes(b"no database" * 100)


def damage_submissions(terminal: Terminal) -> None:
    terminal.files.submissions.write_bytes(b"no database" * 100)


def fill_spool(terminal: Terminal) -> None:
    terminal.files.spool.mkdir()
    (terminal.files.spool / "one.json").touch()
    terminal.environment["FLAGCTL_SPOOL_MAX_FILES"] = "1"


def misspell(terminal: Terminal) -> None:
    terminal.environment["FLAGCTL_DATADIR"] = "x"


def break_glass(terminal: Terminal) -> None:
    terminal.files.break_glass.touch()


def pin_wrongly(terminal: Terminal) -> None:
    terminal.environment["ZPE_SLURM_ADAPTER"] = "bogus"


def pin_without_policy(terminal: Terminal) -> None:
    terminal.environment["ZPE_SLURM_ADAPTER"] = Mode.REAL_POLICY
    del terminal.environment["ZPE_SLURM_POLICY_PATH"]


def lose_flags(terminal: Terminal) -> None:
    kept = LastKnownGoodFile(terminal.files.last_known_good)
    kept.keep(ControlState(23, None, None))
    kept.settle()


FAULTS = {
    "a broken policy": (damage_policy, "policy", Health.FAILED, "not JSON", 2),
    "a damaged store": (damage_control, "control.db", Health.FAILED, "is damaged", 8),
    "lost flags": (lose_flags, "control.db", Health.FAILED, "but revision 23 was in use", 8),
    "damaged claims": (damage_submissions, "submissions.db", Health.FAILED, "is damaged", 8),
    "a full spool": (fill_spool, "spool", Health.FAILED, "it is full", 8),
    "a misspelt setting": (misspell, "settings", Health.WARNING, "FLAGCTL_DATADIR", 0),
    "a break-glass file": (break_glass, "break-glass", Health.WARNING, "lowers every process", 0),
    "a pin to nothing": (pin_wrongly, "settings", Health.FAILED, "bogus", 2),
    "a pin without policy": (pin_without_policy, "settings", Health.FAILED, "not set", 2),
}


@pytest.mark.parametrize(
    ("spoil", "name", "health", "text", "code"), FAULTS.values(), ids=FAULTS.keys()
)
def test_each_fault_is_a_line_of_its_own_and_an_exit_code(
    ready: Terminal, spoil: Any, name: str, health: Health, text: str, code: int
) -> None:
    spoil(ready)
    answer = ready.type("doctor", "--json")
    of_name = [each for each in answer.json["findings"] if each["name"] == name]
    assert any(each["health"] == health and text in each["text"] for each in of_name)
    assert answer.code == code


def test_it_works_when_everything_is_broken(ready: Terminal) -> None:
    for spoil in (damage_policy, damage_control, damage_submissions, pin_wrongly):
        spoil(ready)
    ready.files.runtime.write_bytes(b"no database" * 100)
    answer = ready.type("doctor")
    assert answer.code == 2
    assert answer.out.count("FAILED") == 5
    assert answer.err == ""


def test_a_server_that_does_not_answer_is_a_warning(ready: Terminal) -> None:
    found = findings(ready.do("doctor", "--json", FLAGCTL_PUBLIC_URL="http://127.0.0.1:1"))
    assert found["web"]["health"] == Health.WARNING
    assert "no answer" in found["web"]["text"]


def test_it_names_who_has_the_store_open(ready: Terminal) -> None:
    with ready.files.control.open("rb"):
        assert f"pid {os.getpid()}" in findings(ready.do("doctor", "--json"))["open by"]["text"]


def test_a_clock_before_the_newest_event_is_a_warning(ready: Terminal) -> None:
    ready.act(RollBack(Mode.PASSTHROUGH, "slow"), at=datetime.now(UTC) + timedelta(hours=2))
    found = findings(ready.do("doctor", "--json"))
    assert found["clock"]["health"] == Health.WARNING


def test_it_tells_which_signal_runs_and_why(ready: Terminal) -> None:
    fast = findings(ready.do("doctor", "--json"))["mode signal"]
    assert (fast["health"], fast["text"].split(":")[0]) == (Health.OK, ModeSignal.FAST)
    plain = findings(ready.do("doctor", "--json", FLAGCTL_MODE_SIGNAL="plain"))["mode signal"]
    assert plain["text"] == "plain: it was asked for"


def test_a_fast_signal_that_can_not_be_is_a_warning(ready: Terminal) -> None:
    with closing(open_connection(ready.files.control)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE").fetchall()
    told = findings(ready.do("doctor", "--json", FLAGCTL_MODE_SIGNAL="fast"))["mode signal"]
    assert told["health"] == Health.WARNING
    assert told["text"].startswith("plain: control.db-shm can't be mapped")


@pytest.mark.parametrize("suffix", ["-wal", "-shm"])
def test_a_process_that_works_on_a_removed_file_is_named(ready: Terminal, suffix: str) -> None:
    with closing(open_connection(ready.files.control)) as connection:
        connection.execute("SELECT * FROM control").fetchall()
        Path(f"{ready.files.control}{suffix}").unlink()
        found = findings(ready.type("doctor", "--json"))["open by"]
    assert found["health"] == Health.FAILED
    assert f"pid {os.getpid()}" in found["text"]


@pytest.mark.parametrize(
    ("free_mib", "health"), [(0, Health.FAILED), (50, Health.WARNING), (5000, Health.OK)]
)
def test_a_disk_without_space_is_told_before_it_hurts_and_when_it_does(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, free_mib: int, health: Health
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=free_mib * 1024 * 1024)
    monkeypatch.setattr(shutil, "disk_usage", lambda _place: usage)
    assert examination._space(tmp_path).health == health
