"""The faults of `tests.slurm.faults` that a made-up Slurm can have, named in the same way."""

from collections.abc import Callable

import pytest

from flagctl.adapter.policy_file import PolicyFile
from flagctl.adapter.sample_policy import SAMPLE
from flagctl.domain.preflight import Finding, PolicyInHand, verdict
from flagctl.slurm.client import SlurmClient
from flagctl.slurm.snapshot import LiveCluster
from tests.slurm.conftest import fake_argv, supervised
from tests.slurm.faults import FAULTS
from tests.slurm.world import State, World

CALL_TIMEOUT_S = 5.0
HANGS = ("slurmctld frozen", "slurmdbd frozen")


def without_partition(state: State) -> None:
    partitions = state["control"]["partitions"]
    partitions[:] = [each for each in partitions if each["name"] != "short"]


def without_account(state: State) -> None:
    associations = state["accounting"]["associations"]
    associations[:] = [each for each in associations if each["account"] != "chem-premium"]


def without_qos(state: State) -> None:
    for each in state["accounting"]["associations"]:
        if each["account"] == "chem-premium":
            each["qos"].remove("priority")


def changed(change: Callable[[State], None]) -> Callable[[World], None]:
    def happens(world: World) -> None:
        with world.changing() as state:
            change(state)

    return happens


def planned(op: str, fault: str) -> Callable[[World], None]:
    return lambda world: world.plan(op, fault)


def short(**changes: object) -> Callable[[World], None]:
    return lambda world: world.partition("short", **changes)


MADE_UP: dict[str, Callable[[World], None]] = {
    "slurmctld frozen": planned("ping", "hang"),
    "slurmctld killed": planned("ping", "dead"),
    "slurmdbd frozen": planned("slurmdbd", "hang"),
    "slurmdbd down": planned("slurmdbd", "dead"),
    "munge's key changed": planned("ping", "unauthenticated"),
    "partition DOWN": short(state="DOWN"),
    "partition DRAIN": short(state="DRAIN"),
    "partition INACTIVE": short(state="INACTIVE"),
    "partition gone": changed(without_partition),
    "account removed": changed(without_account),
    "QoS removed": changed(without_qos),
    "MaxTime below the policy": short(max_minutes=60),
}


def failed(live: LiveCluster) -> tuple[Finding, ...]:
    return verdict(PolicyInHand(PolicyFile(SAMPLE).policy()), live.look(), "a runbook").failed


@pytest.mark.parametrize("name", MADE_UP)
def test_a_made_up_fault_is_named_as_the_real_one_is(world: World, name: str) -> None:
    fault = FAULTS[name]
    with supervised(fake_argv(world), CALL_TIMEOUT_S) as supervisor:
        live = LiveCluster(SlurmClient(supervisor), max_age_s=15.0)
        assert failed(live) == ()
        MADE_UP[name](world)
        supervisor.call_timeout_s = 0.5 if name in HANGS else CALL_TIMEOUT_S
        (first, *_) = failed(live)
        assert (first.name, first.error) == (fault.step, fault.error)
        assert fault.words in first.detail
