"""Mappings that the test cluster honours or not, and the cluster as it says it is.

The table is tried on the real Slurm as well: what the rules object to never runs there.
"""

import json
from dataclasses import dataclass
from typing import Any

from flagctl.domain.boundary import SlurmQueueMapping
from flagctl.domain.cluster import Cluster
from flagctl.slurm.client import cluster_from
from flagctl.slurm.messages import Hello
from tests.slurm.world import FACTS

SERVICE = Hello(pyslurm="26.5.0", python="3.14.7", user="flagctl", groups=frozenset({"flagctl"}))


def cluster(facts: dict[str, Any] | None = None, hello: Hello = SERVICE) -> Cluster:
    """The test cluster as its service user sees it."""
    said = facts or json.loads(FACTS.read_text(encoding="utf-8"))
    return cluster_from(said["control"], said["accounting"], hello)


def mapping(**changes: Any) -> SlurmQueueMapping:
    """The standard queue of the sample policy, with something else about it."""
    values = {
        "queue": "standard",
        "partition": "short",
        "account": "chem-default",
        "qos": "normal",
        "max_walltime_minutes": 120,
    }
    return SlurmQueueMapping(**{**values, **changes})


@dataclass(frozen=True)
class Case:
    """A mapping, and a part of the objection to it; `None` when it is honoured."""

    mapping: SlurmQueueMapping
    objection: str | None


def case(objection: str | None, **changes: Any) -> Case:
    return Case(mapping(**changes), objection)


PREMIUM = {"account": "chem-premium"}
CASES = {
    "the standard queue": case(None),
    "the highmem queue": case(
        None, partition="long", qos="priority", max_walltime_minutes=720, **PREMIUM
    ),
    "an account under an allowed one": case(
        None, partition="long", qos="priority", account="chem-sub"
    ),
    "no limit at all": case(None, partition="endless", max_walltime_minutes=100_000),
    "a QoS that outlasts the partition": case(
        None, partition="brief", qos="marathon", max_walltime_minutes=6000, **PREMIUM
    ),
    "a QoS that overrides the partition's": case(
        None, partition="limited", qos="sprint", max_walltime_minutes=60, **PREMIUM
    ),
    "a QoS before the association": case(
        None, partition="endless", account="chem-capped", qos="sprint", max_walltime_minutes=60
    ),
    "a partition that is not denied to this account": case(None, partition="notus", **PREMIUM),
    "no such partition": case("partition “nowhere” does not exist", partition="nowhere"),
    "DOWN": case("partition “down” is DOWN", partition="down"),
    "DRAIN": case("partition “drain” is DRAIN", partition="drain"),
    "INACTIVE": case("partition “inactive” is INACTIVE", partition="inactive"),
    "for root only": case("jobs of root only", partition="rootonly"),
    "for another group": case("groups wheelers only", partition="wheelers"),
    "no such account": case("no association with account “nobody”", account="nobody"),
    "somebody else's account": case("account “chem-foreign”", account="chem-foreign"),
    "no such QoS": case("QoS “never” does not exist", qos="never"),
    "a QoS that the account lacks": case("may not use QoS “priority”", qos="priority"),
    "an account that is not allowed": case(
        "allows chem-foreign only (AllowAccounts)", partition="others"
    ),
    "an account that is denied": case("denies chem-default (DenyAccounts)", partition="notus"),
    "a QoS that is not allowed": case(
        "allows priority only (AllowQos)", partition="long", qos="normal", **PREMIUM
    ),
    "a QoS that is denied": case(
        "denies priority (DenyQos)", partition="nopriority", qos="priority", **PREMIUM
    ),
    "longer than the partition": case("over 10 minutes", partition="brief"),
    "longer than the association": case(
        "over 30 minutes", partition="endless", account="chem-capped", max_walltime_minutes=31
    ),
    "longer than the QoS": case(
        "over 15 minutes", partition="endless", qos="quarter", max_walltime_minutes=16, **PREMIUM
    ),
    "longer than the partition's QoS": case(
        "over 15 minutes", partition="limited", max_walltime_minutes=16
    ),
    "longer than the QoS that overrides": case(
        "over 60 minutes", partition="limited", qos="sprint", max_walltime_minutes=61, **PREMIUM
    ),
}
