"""The verdict over the preconditions of `real-policy`: which probe says what, and when."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from flagctl.adapter.sample_policy import SAMPLE
from flagctl.domain.policy import parse_policy
from flagctl.domain.precondition import PRECONDITIONS, Precondition
from flagctl.domain.preflight import (
    Finding,
    PolicyInHand,
    Sighting,
    Trouble,
    Verdict,
    release,
    verdict,
)
from flagctl.slurm.messages import Hello
from flagctl.vocabulary import ProbeError, ProbeStatus
from tests.slurm.mappings import SERVICE, cluster
from tests.slurm.world import FACTS

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
RUNBOOK = "https://runbook.example/"
POLICY = PolicyInHand(parse_policy(SAMPLE.read_bytes()))


def seen(hello: Hello = SERVICE, **partition: Any) -> Sighting:
    """The test cluster, with something changed about the partition `short`."""
    facts = json.loads(FACTS.read_text(encoding="utf-8"))
    for each in facts["control"]["partitions"]:
        if each["name"] == "short":
            each.update(partition)
    return Sighting(NOW, cluster(facts, hello), None, {Precondition.CONTROLLER: 0.7})


def found(taken: Verdict, name: Precondition) -> Finding:
    return next(each for each in taken.findings if each.name is name)


def statuses(taken: Verdict) -> dict[Precondition, ProbeStatus]:
    return {each.name: each.status for each in taken.findings}


def test_the_sample_policy_holds_on_the_test_cluster() -> None:
    taken = verdict(POLICY, seen(), RUNBOOK)
    assert taken.holds
    assert set(statuses(taken).values()) == {ProbeStatus.OK}
    assert found(taken, Precondition.CONTROLLER).latency_ms == 0.7
    assert found(taken, Precondition.CONTROLLER).detail == (
        "chem-cluster, Slurm 26.05.5: node1 answers."
    )


def test_every_precondition_is_probed_once_in_order_and_has_its_words() -> None:
    taken = verdict(POLICY, seen(), RUNBOOK)
    assert [each.name for each in taken.findings] == list(Precondition)
    assert set(PRECONDITIONS) == set(Precondition)


def test_a_policy_that_can_not_be_used_is_a_configuration_error() -> None:
    taken = verdict(PolicyInHand(None, "it is not JSON"), seen(), RUNBOOK)
    probe = found(taken, Precondition.POLICY)
    assert (probe.status, probe.error) == (ProbeStatus.FAILED, ProbeError.MISCONFIGURED)
    assert probe.detail == "it is not JSON"
    assert statuses(taken)[Precondition.PARTITIONS] is ProbeStatus.SKIPPED
    assert not taken.holds


STEPS = [Precondition.PYSLURM, Precondition.CONTROLLER, Precondition.ACCOUNTING]


@pytest.mark.parametrize("step", STEPS)
def test_what_comes_after_a_failed_step_is_not_known(step: Precondition) -> None:
    trouble = Trouble(step, ProbeError.TIMEOUT, "no answer")
    taken = verdict(POLICY, Sighting(NOW, None, trouble, {step: 5000.0}), RUNBOOK)
    probe = found(taken, step)
    assert (probe.error, probe.latency_ms, probe.detail) == (
        ProbeError.TIMEOUT,
        5000.0,
        "no answer",
    )
    before = STEPS[: STEPS.index(step)]
    after = [*STEPS[STEPS.index(step) + 1 :], Precondition.PARTITIONS, Precondition.WALLTIME]
    assert {statuses(taken)[each] for each in before} <= {ProbeStatus.OK}
    assert {statuses(taken)[each] for each in after} == {ProbeStatus.SKIPPED}
    assert not taken.holds


def test_before_the_first_look_nothing_is_known_and_nothing_holds() -> None:
    taken = verdict(POLICY, Sighting(), RUNBOOK)
    assert not taken.holds
    assert taken.taken_at is None
    assert statuses(taken)[Precondition.PYSLURM] is ProbeStatus.SKIPPED
    assert taken.failed == ()


def test_a_pyslurm_of_another_release_is_named_with_both_versions() -> None:
    taken = verdict(POLICY, seen(replace(SERVICE, pyslurm="25.11.2")), RUNBOOK)
    probe = found(taken, Precondition.PYSLURM)
    assert (probe.status, probe.error) == (ProbeStatus.FAILED, ProbeError.MISCONFIGURED)
    assert "25.11.2" in probe.detail
    assert "26.05.5" in probe.detail


def test_releases_are_compared_as_numbers() -> None:
    assert release("26.05.5") == release("26.5.0")
    assert release("26.05.5-1") != release("26.11.0")


BROKEN = {
    Precondition.PARTITIONS: {"state": "DRAIN"},
    Precondition.ACCOUNTS: {"denied_accounts": ["chem-default"]},
    Precondition.WALLTIME: {"max_minutes": 119},
}


@pytest.mark.parametrize(("name", "change"), BROKEN.items(), ids=BROKEN.keys())
def test_a_mapping_that_the_cluster_does_not_honour_is_named_with_its_queue(
    name: Precondition, change: dict[str, Any]
) -> None:
    taken = verdict(POLICY, seen(**change), RUNBOOK)
    assert [each.name for each in taken.failed] == [name]
    assert taken.failed[0].error is ProbeError.POLICY_MISMATCH
    assert "“standard”" in taken.detail
    assert "“highmem”" not in taken.detail


def test_a_missing_runbook_link_holds_the_cutover() -> None:
    taken = verdict(POLICY, seen(), "")
    assert [each.name for each in taken.failed] == [Precondition.RUNBOOK]


def test_the_gate_gets_the_verdict_its_reason_and_its_time() -> None:
    for_gate = verdict(POLICY, seen(state="DOWN"), RUNBOOK).for_gate()
    assert for_gate.holds is False
    assert "“short” is DOWN" in for_gate.detail
    assert for_gate.taken_at == NOW


def test_of_many_objections_the_first_are_shown_and_the_rest_counted() -> None:
    queues = [
        {
            "queue": f"q{number}",
            "partition": "nowhere",
            "account": "chem-default",
            "qos": "normal",
            "max_walltime_minutes": 1,
        }
        for number in range(10)
    ]
    raw = {"queue_mappings": queues, "fallback_policy": {"mode": "deny"}}
    taken = verdict(PolicyInHand(parse_policy(raw)), seen(), RUNBOOK)
    assert "“q2”" in taken.detail
    assert "“q3”" not in taken.detail
    assert "7 more" in taken.detail
