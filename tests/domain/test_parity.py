"""The parity table: `real-policy` answers as `stub-policy`, or refuses and says why."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from flagctl.adapter.ports import Resolver
from flagctl.adapter.real_policy import RealPolicyResolver
from flagctl.adapter.stub_policy import StubPolicyResolver
from flagctl.domain.boundary import SlurmAdapterBoundaryStub, SlurmPolicyError
from flagctl.domain.parity import ROWS_MAX, parity
from flagctl.domain.policy import QueuePolicy, parse_policy
from flagctl.domain.precondition import Precondition
from flagctl.domain.preflight import Sighting, Trouble
from flagctl.slurm.client import ControlFacts
from flagctl.slurm.snapshot import LiveCluster
from flagctl.vocabulary import ProbeError
from tests.adapter.policies import FixedPolicy
from tests.domain.test_policy_properties import raw_policies
from tests.judgements import POLICY, sighting
from tests.reports import NOON
from tests.slurm.mappings import SERVICE
from tests.slurm.world import FACTS

SAID = json.loads(FACTS.read_text(encoding="utf-8"))
SAME = ("requested_queue", "resolved_queue", "used_fallback", "mapping")


class Told:
    """Answers what the test cluster said once."""

    def control(self) -> ControlFacts:
        return ControlFacts(SAID["control"], 1.0)

    def accounting(self) -> ControlFacts:
        return ControlFacts(SAID["accounting"], 1.0)

    def hello(self) -> Any:
        return SERVICE


client: Any = Told()
LIVE = LiveCluster(client, max_age_s=3600.0)
SEEN = LIVE.look()


@st.composite
def policies(draw: st.DrawFn) -> QueuePolicy:
    """A policy of any shape, whose mappings the test cluster honours or nearly honours."""
    raw = draw(raw_policies())
    partitions = [each["name"] for each in SAID["control"]["partitions"]]
    accounts = [each["account"] for each in SAID["accounting"]["associations"]]
    qos = [each["name"] for each in SAID["accounting"]["qos"]]
    for mapping in raw["queue_mappings"]:
        mapping["partition"] = draw(st.sampled_from([*partitions, "gone"]))
        mapping["account"] = draw(st.sampled_from([*accounts, "gone"]))
        mapping["qos"] = draw(st.sampled_from([*qos, "gone"]))
        mapping["max_walltime_minutes"] = draw(st.integers(1, 1000))
    return parse_policy(raw)


def answer(resolver: Resolver, queue: str) -> SlurmAdapterBoundaryStub | SlurmPolicyError:
    try:
        return resolver.resolve(queue)
    except SlurmPolicyError as error:
        return error


@given(policies(), st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_every_row_is_what_the_two_modes_answer(policy: QueuePolicy, name: str) -> None:
    source = FixedPolicy(policy)
    for row in parity(policy, SEEN, [name]):
        by_stub = answer(StubPolicyResolver(source), row.queue)
        by_real = answer(RealPolicyResolver(source, LIVE), row.queue)
        if isinstance(by_stub, SlurmPolicyError):
            assert row.denied == str(by_stub) == str(by_real)
            continue
        shown = (row.queue, row.resolved_queue, row.used_fallback, row.mapping)
        assert shown == tuple(getattr(by_stub, each) for each in SAME)
        if isinstance(by_real, SlurmPolicyError):
            assert row.refused
            assert row.refused in str(by_real)
        else:
            assert row.is_same
            assert shown == tuple(getattr(by_real, each) for each in SAME)


@given(policies(), st.lists(st.text(max_size=5)))
def test_each_mapped_queue_and_each_name_has_one_row(policy: QueuePolicy, names: list[str]) -> None:
    asked = [row.queue for row in parity(policy, SEEN, names)]
    assert len(asked) == len(set(asked))
    assert set(asked) == set(policy.mappings) | {name.strip() for name in names} - {""}


def test_a_queue_whose_partition_drains_is_refused_with_what_to_do() -> None:
    rows = {row.queue: row for row in parity(POLICY, sighting(NOON, state="DRAIN"), ["new"])}
    assert rows["highmem"].is_same
    assert "partition “short” is DRAIN" in (rows["standard"].refused or "")
    assert rows["new"].used_fallback
    assert rows["new"].resolved_queue == "standard"
    assert not rows["new"].is_same


def test_without_a_view_of_the_cluster_every_queue_is_refused_and_the_policy_still_shown() -> None:
    trouble = Trouble(Precondition.CONTROLLER, ProbeError.UNREACHABLE, "connection refused")
    for row in parity(POLICY, Sighting(NOON, None, trouble), []):
        assert row.mapping is not None
        assert "connection refused" in (row.refused or "")


def test_without_a_policy_there_is_nothing_to_compare() -> None:
    assert parity(None, SEEN, ["standard"]) == ()


def test_the_table_is_bounded_and_the_mapped_queues_come_first() -> None:
    rows = parity(POLICY, SEEN, [f"name-{number}" for number in range(2 * ROWS_MAX)])
    assert len(rows) == ROWS_MAX
    assert [row.queue for row in rows[:2]] == ["standard", "highmem"]
