import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flagctl.domain.boundary import SlurmPolicyConfigError, SlurmPolicyDeniedError
from flagctl.domain.policy import QueuePolicy, parse_policy
from flagctl.vocabulary import Mode

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip)
KEYS = st.sampled_from(
    ["queue_mappings", "queue", "partition", "account", "qos", "max_walltime_minutes"]
) | st.sampled_from(["fallback_policy", "mode", "default_queue", "x"])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["deny", "route-default", "standard"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=20,
)


@st.composite
def raw_policies(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a policy of the right shape: any names, either fallback."""
    queues = draw(st.lists(NAMES, min_size=1, max_size=5, unique_by=str.strip))
    mappings = [
        {
            "queue": queue,
            "partition": draw(NAMES),
            "account": draw(NAMES),
            "qos": draw(NAMES),
            "max_walltime_minutes": draw(st.integers(min_value=1)),
        }
        for queue in queues
    ]
    fallback = draw(
        st.just({"mode": "deny"})
        | st.builds(
            lambda queue: {"mode": "route-default", "default_queue": queue}, st.sampled_from(queues)
        )
    )
    return {"queue_mappings": mappings, "fallback_policy": fallback}


@st.composite
def nearly_policies(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a policy with one value replaced by anything, or taken away."""
    raw = draw(raw_policies())
    place = draw(st.sampled_from([raw, raw["fallback_policy"], *raw["queue_mappings"]]))
    key = draw(st.sampled_from(sorted(place)))
    if draw(st.booleans()):
        place[key] = draw(VALUES)
    else:
        del place[key]
    return raw


def accepted_or_refused(raw: object) -> None:
    """Parse it; anything raised but a SlurmPolicyConfigError fails the test."""
    try:
        assert isinstance(parse_policy(raw), QueuePolicy)
    except SlurmPolicyConfigError as error:
        assert str(error).endswith((".", "?"))  # noqa: PT017 - both ways out are right


@given(VALUES | nearly_policies() | st.dictionaries(st.integers() | KEYS, VALUES))
def test_any_json_is_a_policy_or_a_configuration_error(raw: object) -> None:
    accepted_or_refused(raw)


@given(st.binary() | (VALUES | nearly_policies()).map(lambda raw: json.dumps(raw).encode()))
def test_any_bytes_are_a_policy_or_a_configuration_error(raw: bytes) -> None:
    accepted_or_refused(raw)


@given(raw_policies(), st.booleans())
def test_every_policy_of_the_right_shape_is_accepted(raw: dict[str, Any], ascii_only: bool) -> None:
    policy = parse_policy(json.dumps(raw, ensure_ascii=ascii_only).encode())
    assert [mapping.queue for mapping in policy.mappings.values()] == [
        each["queue"].strip() for each in raw["queue_mappings"]
    ]


@given(raw_policies(), NAMES)
def test_every_queue_name_is_mapped_routed_or_denied(raw: dict[str, Any], name: str) -> None:
    policy, requested = parse_policy(raw), name.strip()
    if requested in policy.mappings:
        assert policy.resolve(requested) == (requested, policy.mappings[requested], False)
    elif policy.default is not None:
        assert policy.resolve(requested) == (policy.default.queue, policy.default, True)
    else:
        with pytest.raises(SlurmPolicyDeniedError):
            policy.resolve(requested)


@given(raw_policies(), st.data())
def test_the_policy_modes_differ_in_the_adapter_s_name_only(
    raw: dict[str, Any], data: st.DataObject
) -> None:
    policy = parse_policy(raw)
    known = st.sampled_from(sorted(policy.mappings))
    requested = data.draw(known if policy.default is None else known | NAMES.map(str.strip))
    stub = policy.boundary(Mode.STUB_POLICY, requested)
    real = policy.boundary(Mode.REAL_POLICY, requested)
    for field in ("requested_queue", "resolved_queue", "used_fallback", "mapping"):
        assert getattr(stub, field) == getattr(real, field)
    assert (stub.adapter, real.adapter) == (Mode.STUB_POLICY, Mode.REAL_POLICY)
