"""Whether a cluster honours a mapping; `tests/slurm/test_rules_are_slurms.py` asks a real one."""

import json
from dataclasses import replace

import pytest

from flagctl.domain.cluster import Cluster, objections
from tests.slurm.mappings import CASES, Case, cluster, mapping
from tests.slurm.world import FACTS


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_mapping_is_objected_to_exactly_when_its_jobs_would_not_run(case: Case) -> None:
    found = list(objections(cluster(), case.mapping))
    if case.objection is None:
        assert found == []
    else:
        assert len(found) == 1
        assert case.objection in found[0]
        assert "“standard”" in found[0]


def test_everything_that_is_wrong_is_told_at_once() -> None:
    wrong = mapping(partition="down", qos="priority", max_walltime_minutes=121)
    assert len(list(objections(cluster(), wrong))) == 3


def test_an_association_for_the_partition_goes_before_the_general_one() -> None:
    facts = json.loads(FACTS.read_text(encoding="utf-8"))
    general = next(
        each for each in facts["accounting"]["associations"] if each["account"] == "chem-default"
    )
    special = {**general, "partition": "short", "qos": ["priority"], "max_wall_minutes": 5}
    facts["accounting"]["associations"].insert(0, special)
    there = cluster(facts)
    assert any("may not use QoS “normal”" in each for each in objections(there, mapping()))
    assert list(objections(there, mapping(partition="endless"))) == []


def test_a_member_of_an_allowed_group_may_submit() -> None:
    member: Cluster = replace(cluster(), groups=frozenset({"flagctl", "wheelers"}))
    assert list(objections(member, mapping(partition="wheelers"))) == []
