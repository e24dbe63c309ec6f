from collections.abc import Callable, Iterator
from itertools import cycle

import pytest

from flagctl.adapter import (
    SlurmAdapter,
    SlurmAdapterBoundaryStub,
    SlurmPolicyConfigError,
    SlurmPolicyDeniedError,
    SlurmPolicyError,
    SlurmRealAdapterPreconditionError,
    SlurmUnavailableError,
)
from flagctl.adapter.passthrough import PassthroughResolver
from flagctl.adapter.ports import ClusterCheck, Resolver
from flagctl.adapter.real_policy import RealPolicyResolver
from flagctl.adapter.stub_policy import StubPolicyResolver
from flagctl.adapter.telemetry import RequestIds, Resolution
from flagctl.domain.effective import EffectiveMode
from flagctl.domain.policy import QueuePolicy
from flagctl.vocabulary import LADDER, Mode, ResolutionOutcome
from tests.adapter.policies import DENYING, ROUTING, FixedMode, FixedPolicy, in_force


class Honours:
    """A cluster that honours everything, or raises what the test gave it."""

    def __init__(self, refusal: SlurmPolicyError | None = None) -> None:
        self.refusal = refusal
        self.asked: list[SlurmAdapterBoundaryStub] = []

    def require_honoured(self, boundary: SlurmAdapterBoundaryStub) -> None:
        self.asked.append(boundary)
        if self.refusal is not None:
            raise self.refusal


class Broken:
    """A policy that can't be used."""

    def policy(self) -> QueuePolicy:
        raise SlurmPolicyConfigError("broken")


def real(policy: QueuePolicy = ROUTING, cluster: ClusterCheck | None = None) -> Resolver:
    return RealPolicyResolver(FixedPolicy(policy), cluster or Honours())


RESOLVERS: dict[str, Callable[[], Resolver]] = {
    "passthrough": PassthroughResolver,
    "stub-policy": lambda: StubPolicyResolver(FixedPolicy(ROUTING)),
    "real-policy": real,
    "real-policy, no policy": lambda: RealPolicyResolver(None, None),
    "real-policy, no cluster": lambda: RealPolicyResolver(FixedPolicy(ROUTING), None),
    "stub-policy, broken policy": lambda: StubPolicyResolver(Broken()),
}


@pytest.mark.parametrize("make", RESOLVERS.values(), ids=RESOLVERS.keys())
@pytest.mark.parametrize("queue", ["", " ", "\t\r\n", "\u3000"])
def test_a_blank_queue_is_denied_before_anything_else_is_looked_at(
    make: Callable[[], Resolver], queue: str
) -> None:
    with pytest.raises(SlurmPolicyDeniedError, match="is blank"):
        make().resolve(queue)


@pytest.mark.parametrize("queue", ["standard", " highmem ", "unknown"])
def test_real_policy_answers_as_stub_policy_when_the_cluster_honours_it(queue: str) -> None:
    cluster = Honours()
    answer = real(cluster=cluster).resolve(queue)
    stub = StubPolicyResolver(FixedPolicy(ROUTING)).resolve(queue)
    assert cluster.asked == [answer]
    assert answer.adapter is Mode.REAL_POLICY
    for field in ("requested_queue", "resolved_queue", "used_fallback", "mapping"):
        assert getattr(answer, field) == getattr(stub, field)


@pytest.mark.parametrize("error", [SlurmRealAdapterPreconditionError, SlurmUnavailableError])
def test_real_policy_passes_on_what_the_cluster_refuses(error: type[SlurmPolicyError]) -> None:
    with pytest.raises(error, match="as the cluster says"):
        real(cluster=Honours(error("as the cluster says"))).resolve("standard")


def test_real_policy_denies_what_the_policy_denies_without_asking_the_cluster() -> None:
    cluster = Honours()
    with pytest.raises(SlurmPolicyDeniedError, match="'unknown'"):
        real(DENYING, cluster).resolve("unknown")
    assert not cluster.asked


def test_real_policy_without_a_policy_path_says_which_setting_is_missing() -> None:
    with pytest.raises(SlurmRealAdapterPreconditionError) as caught:
        RealPolicyResolver(None, Honours()).resolve("standard")
    assert "Set ZPE_SLURM_POLICY_PATH to the policy file" in str(caught.value)
    assert "`flagctl rollback stub-policy`" in str(caught.value)


def test_real_policy_without_a_connection_to_slurm_never_answers() -> None:
    with pytest.raises(SlurmRealAdapterPreconditionError, match=r"no connection to Slurm.*'stan"):
        RealPolicyResolver(FixedPolicy(ROUTING), None).resolve("unknown")


def test_real_policy_with_a_broken_policy_is_a_configuration_error() -> None:
    with pytest.raises(SlurmPolicyConfigError, match="broken"):
        RealPolicyResolver(Broken(), Honours()).resolve("standard")


def test_the_mode_is_read_exactly_once_for_a_resolution() -> None:
    reader = FixedMode(Mode.STUB_POLICY)
    SlurmAdapter(reader=reader, policy=FixedPolicy(ROUTING)).resolve("standard")
    assert reader.reads == 1


def test_every_resolution_follows_the_mode_in_force() -> None:
    reader = FixedMode(Mode.STUB_POLICY)
    adapter = SlurmAdapter(reader=reader, policy=FixedPolicy(ROUTING), cluster=Honours())
    for mode in (*LADDER, *reversed(LADDER)):
        reader.mode = mode
        assert adapter.resolve("standard").adapter is mode
        assert adapter.effective().mode is mode


def test_a_mode_read_before_is_kept_whatever_came_into_force_meanwhile() -> None:
    reader = FixedMode(Mode.STUB_POLICY)
    adapter = SlurmAdapter(reader=reader, policy=FixedPolicy(ROUTING))
    begun = adapter.effective()
    reader.mode = Mode.PASSTHROUGH
    assert adapter.resolve_in(begun, "standard", RequestIds()).adapter is Mode.STUB_POLICY
    assert adapter.resolve("standard").adapter is Mode.PASSTHROUGH


def test_a_flip_within_a_resolution_never_mixes_two_modes() -> None:
    class Flapping:
        def __init__(self) -> None:
            self.modes: Iterator[Mode] = cycle((Mode.PASSTHROUGH, Mode.STUB_POLICY))

        def effective(self) -> EffectiveMode:
            return in_force(next(self.modes))

    seen: list[Resolution] = []
    adapter = SlurmAdapter(reader=Flapping(), policy=FixedPolicy(ROUTING), report=seen.append)
    for _ in range(4):
        boundary = adapter.resolve("unknown")
        assert boundary.adapter is seen[-1].effective.mode
        assert boundary.used_fallback is (boundary.adapter is Mode.STUB_POLICY)


def test_ids_of_tenants_change_no_answer() -> None:
    adapter = SlurmAdapter(reader=FixedMode(Mode.STUB_POLICY), policy=FixedPolicy(ROUTING))
    answers = {
        adapter.resolve("unknown", tenant_id=tenant, workspace_id=workspace)
        for tenant in ("acme", "globex", None)
        for workspace in ("w1", "w2", None)
    }
    assert len(answers) == 1


OUTCOMES: dict[ResolutionOutcome, SlurmPolicyError | None] = {
    ResolutionOutcome.RESOLVED: None,
    ResolutionOutcome.DENIED: SlurmPolicyDeniedError("x"),
    ResolutionOutcome.MISCONFIGURED: SlurmPolicyConfigError("x"),
    ResolutionOutcome.PRECONDITION: SlurmRealAdapterPreconditionError("x"),
    ResolutionOutcome.UNAVAILABLE: SlurmUnavailableError("x"),
}


@pytest.mark.parametrize("outcome", ResolutionOutcome)
def test_every_resolution_is_reported_with_its_outcome_also_the_failed_ones(
    outcome: ResolutionOutcome,
) -> None:
    seen: list[Resolution] = []
    adapter = SlurmAdapter(
        reader=FixedMode(Mode.REAL_POLICY),
        policy=FixedPolicy(ROUTING),
        cluster=Honours(OUTCOMES[outcome]),
        report=seen.append,
    )
    if error := OUTCOMES[outcome]:
        with pytest.raises(type(error)):
            adapter.resolve("standard", job_id="j1")
    else:
        adapter.resolve("standard", job_id="j1")
    assert [(each.outcome, each.ids.job_id) for each in seen] == [(outcome, "j1")]
