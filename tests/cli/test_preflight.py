"""`flagctl preflight`: what a person reads before going up, and what a script decides by."""

from datetime import UTC, datetime
from typing import Any

from flagctl.domain.readiness import Judgement
from flagctl.store.runtime_db import ProcessRegistry
from flagctl.vocabulary import Mode
from tests.cli.terminal import Terminal
from tests.judgements import judgement, tell, without_slurm
from tests.reports import STAYS_LIVE, report


def told(terminal: Terminal, name: str, said: Judgement, **changes: Any) -> None:
    """Have a live process say what it thinks."""
    now = datetime.now(UTC)
    registry = ProcessRegistry(terminal.files)
    registry.beat(report(name, heard_at=now + STAYS_LIVE, **changes))
    tell(registry, name, said, now)


def test_all_that_holds_is_listed_and_the_exit_code_is_0(terminal: Terminal) -> None:
    told(terminal, "a", judgement(datetime.now(UTC)))
    lines = terminal.do("preflight").out.splitlines()
    assert lines[0].startswith("Ready for real-policy: 8 of 8 ok, checked ")
    assert "  ok      partitions: Every mapped partition exists and is UP." in lines
    assert (
        "  highmem → highmem (partition long, account chem-premium, QoS priority, 720 min): "
        "the same" in lines
    )


def test_what_fails_is_named_with_its_queue_and_what_to_do_and_the_exit_code_is_5(
    terminal: Terminal,
) -> None:
    told(terminal, "a", judgement(datetime.now(UTC), state="DRAIN"))
    answer = terminal.type("preflight")
    assert answer.code == 5
    assert answer.out.startswith("Not ready for real-policy: 7 of 8 ok")
    assert "failed  partitions (policy_mismatch): Queue “standard”" in answer.out
    assert "scontrol update" in answer.out
    assert "standard → standard (partition short" in answer.out
    assert "refused: Queue “standard”: partition “short” is DRAIN" in answer.out


def test_without_a_live_process_nobody_knows_and_that_is_no_yes(terminal: Terminal) -> None:
    answer = terminal.type("preflight")
    assert answer.code == 5
    assert "No live process was heard of" in answer.out
    shown = terminal.type("preflight", "--json").json
    assert (shown["holds"], shown["preconditions"], shown["taken_at"]) == (False, [], None)


def test_the_json_has_the_keys_that_scripts_rely_on(terminal: Terminal) -> None:
    told(terminal, "a", without_slurm(datetime.now(UTC)))
    shown = terminal.type("preflight", "--json").json
    assert {"mode", "holds", "taken_at", "preconditions", "parity", "processes"} <= set(shown)
    failed = [each for each in shown["preconditions"] if each["status"] == "failed"]
    assert [(each["name"], each["error"]) for each in failed] == [("pyslurm", "tooling_missing")]
    assert {"name", "status", "error", "latency_ms", "detail"} <= set(failed[0])
    assert all(not row["is_same"] and row["refused"] for row in shown["parity"])


def test_a_process_pinned_below_does_not_count(terminal: Terminal) -> None:
    now = datetime.now(UTC)
    told(terminal, "a", judgement(now))
    told(terminal, "b", without_slurm(now), pin=Mode.STUB_POLICY)
    assert terminal.type("preflight").code == 0


def test_doctor_warns_of_it_only_where_the_top_mode_is_in_force(terminal: Terminal) -> None:
    def health() -> str:
        findings = terminal.type("doctor", "--json").json["findings"]
        (slurm,) = [each for each in findings if each["name"] == "slurm"]
        return str(slurm["health"])

    now = datetime.now(UTC)
    told(terminal, "a", without_slurm(now))
    assert health() == "ok"
    told(terminal, "b", without_slurm(now), mode=Mode.REAL_POLICY)
    assert health() == "warning"
