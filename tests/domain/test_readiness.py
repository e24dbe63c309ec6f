"""One answer out of what several processes found, and the gate that goes by each of them."""

from datetime import timedelta

import pytest

from flagctl.domain.gate import Facts, require_preconditions
from flagctl.domain.precondition import Precondition
from flagctl.domain.preflight import PolicyInHand, Sighting, verdict
from flagctl.domain.readiness import Judge, Judgement, judges, readiness, verdicts_for_gate
from flagctl.errors import PreconditionError
from flagctl.vocabulary import Mode, ProbeStatus
from tests.domain.samples import state
from tests.judgements import POLICY, RUNBOOK, judgement, without_slurm
from tests.reports import NOON, report

PASS, STUB, REAL = Mode
FINE = judgement(NOON)
DRAINED = judgement(NOON, state="DRAIN")


def judge(name: str, said: Judgement | None, pin: Mode | None = None) -> Judge:
    return Judge(report(name, pin=pin), said)


def gate(*live: Judge) -> None:
    """Go up by flags, as these processes would allow it."""
    facts = Facts(
        pins=tuple(each.process.pin for each in live), verdicts=verdicts_for_gate(live, NOON)
    )
    require_preconditions(state(REAL, STUB), state(REAL), facts, NOON)


def test_it_holds_when_every_process_found_everything_fine() -> None:
    found = readiness([judge("a", FINE), judge("b", FINE)], NOON)
    assert found.holds
    assert [each.name for each in found.findings] == list(Precondition)
    gate(judge("a", FINE), judge("b", FINE))


def test_one_process_that_finds_something_wrong_is_enough_and_is_named() -> None:
    live = [judge("a", FINE), judge("b", DRAINED)]
    found = readiness(live, NOON)
    assert not found.holds
    wrong = next(each for each in found.findings if each.status is ProbeStatus.FAILED)
    assert wrong.name is Precondition.PARTITIONS
    assert wrong.detail.startswith(f"pid {live[1].process.pid} on node1: Queue “standard”")
    with pytest.raises(PreconditionError, match=f"{live[1].process.pid} on node1: partitions:"):
        gate(*live)


def test_a_process_that_told_nothing_keeps_the_gate_shut() -> None:
    live = [judge("a", FINE), judge("b", None)]
    assert "has told nothing about Slurm" in readiness(live, NOON).problems[0]
    assert not readiness(live, NOON).holds
    with pytest.raises(PreconditionError, match=r"are unknown: pid .* has told nothing"):
        gate(*live)


def test_a_process_pinned_below_neither_counts_nor_is_asked_by_the_gate() -> None:
    live = [judge("a", FINE), judge("b", DRAINED, pin=STUB), judge("c", None, pin=PASS)]
    assert readiness(live, NOON).holds
    gate(*live)


def test_a_process_pinned_to_the_top_mode_counts() -> None:
    assert not readiness([judge("a", FINE), judge("b", DRAINED, pin=REAL)], NOON).holds


def test_a_verdict_that_is_too_old_does_not_hold() -> None:
    live = [judge("a", judgement(NOON - timedelta(seconds=16)))]
    found = readiness(live, NOON)
    assert not found.holds
    assert "has not looked at Slurm lately" in found.problems[0]
    with pytest.raises(PreconditionError, match="too old"):
        gate(*live)


def test_the_age_is_that_of_the_oldest_verdict() -> None:
    older = judgement(NOON - timedelta(seconds=4))
    assert readiness([judge("a", FINE), judge("b", older)], NOON).taken_at == NOON - timedelta(
        seconds=4
    )
    assert readiness([judge("a", FINE), judge("b", None)], NOON).taken_at is None


def test_a_process_that_has_not_looked_yet_does_not_hold_and_says_so() -> None:
    starting = Judgement(verdict(PolicyInHand(POLICY), Sighting(), RUNBOOK))
    assert not readiness([judge("a", starting)], NOON).holds
    with pytest.raises(PreconditionError, match=r"are unknown: .*was not looked at yet"):
        gate(judge("a", starting))


def test_what_fails_whatever_the_cluster_is_like_is_known_before_it_was_looked_at() -> None:
    without_policy = Judgement(verdict(PolicyInHand(None, "no path"), Sighting(), RUNBOOK))
    found = readiness([judge("a", without_policy)], NOON + timedelta(days=1))
    assert (found.holds, found.problems, found.taken_at) == (False, (), None)
    with pytest.raises(PreconditionError, match=r"a precondition does not hold: .*no path"):
        gate(judge("a", without_policy))


def test_what_the_gate_says_of_a_process_that_starts_is_not_that_all_is_well() -> None:
    starting = verdict(PolicyInHand(POLICY), Sighting(), RUNBOOK)
    assert "was not looked at yet" in starting.detail


def test_without_a_live_process_nobody_knows() -> None:
    found = readiness([], NOON)
    assert (found.holds, found.findings) == (False, ())
    assert "flagctl runtime" in found.problems[0]


def test_silent_processes_are_not_asked() -> None:
    silent = report("b", heard_at=NOON - timedelta(seconds=11))
    assert [each.process.id for each in judges([report("a"), silent], {}, NOON)] == ["a"]


def test_of_two_processes_that_differ_about_a_queue_the_refusal_is_shown() -> None:
    found = readiness([judge("a", FINE), judge("b", without_slurm(NOON))], NOON)
    assert [row.is_same for row in found.parity] == [False, False]
    assert "no pyslurm here" in (found.parity[0].refused or "")
