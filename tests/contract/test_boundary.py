"""The shape of the boundary `slurm-adapter-boundary/v1` and its error classes.

Frozen (AC-002): written against `flagctl.adapter` only, this suite stays green, unchanged, through
every later change. A change that needs an edit here breaks the contract.
"""

import json
from dataclasses import FrozenInstanceError, asdict, fields

import pytest

import flagctl.adapter
from flagctl.adapter import (
    SlurmAdapterBoundaryStub,
    SlurmPolicyConfigError,
    SlurmPolicyDeniedError,
    SlurmPolicyError,
    SlurmQueueMapping,
    SlurmRealAdapterPreconditionError,
    SlurmUnavailableError,
)
from tests.contract.conftest import AdapterIn

REFUSALS: list[type[SlurmPolicyError]] = [
    SlurmPolicyDeniedError,
    SlurmPolicyConfigError,
    SlurmRealAdapterPreconditionError,
    SlurmUnavailableError,
]


def test_the_public_names_are_exactly_these() -> None:
    assert sorted(flagctl.adapter.__all__) == [
        "SlurmAdapter",
        "SlurmAdapterBoundaryStub",
        "SlurmPolicyConfigError",
        "SlurmPolicyDeniedError",
        "SlurmPolicyError",
        "SlurmQueueMapping",
        "SlurmRealAdapterPreconditionError",
        "SlurmUnavailableError",
    ]


def test_the_boundary_has_exactly_these_fields() -> None:
    assert [field.name for field in fields(SlurmAdapterBoundaryStub)] == [
        "adapter",
        "contract_version",
        "requested_queue",
        "resolved_queue",
        "used_fallback",
        "mapping",
    ]


def test_the_mapping_has_exactly_these_fields() -> None:
    assert [field.name for field in fields(SlurmQueueMapping)] == [
        "queue",
        "partition",
        "account",
        "qos",
        "max_walltime_minutes",
    ]


def test_values_have_the_types_of_the_contract(adapter_in: AdapterIn) -> None:
    boundary = adapter_in("stub-policy", "routes.json").resolve("unknown")
    for text in ("adapter", "contract_version", "requested_queue", "resolved_queue"):
        assert isinstance(getattr(boundary, text), str)
    assert isinstance(boundary.used_fallback, bool)
    assert isinstance(boundary.mapping, SlurmQueueMapping)
    for text in ("queue", "partition", "account", "qos"):
        assert isinstance(getattr(boundary.mapping, text), str)
    assert type(boundary.mapping.max_walltime_minutes) is int


def test_the_boundary_is_plain_json(adapter_in: AdapterIn) -> None:
    boundary = adapter_in("stub-policy", "routes.json").resolve("unknown")
    assert json.loads(json.dumps(asdict(boundary))) == {
        "adapter": "stub-policy",
        "contract_version": "slurm-adapter-boundary/v1",
        "requested_queue": "unknown",
        "resolved_queue": "standard",
        "used_fallback": True,
        "mapping": {
            "queue": "standard",
            "partition": "short",
            "account": "chem-default",
            "qos": "normal",
            "max_walltime_minutes": 120,
        },
    }


def test_a_boundary_and_its_mapping_can_t_be_changed(adapter_in: AdapterIn) -> None:
    boundary = adapter_in("stub-policy", "routes.json").resolve("standard")
    with pytest.raises(FrozenInstanceError):
        boundary.resolved_queue = "other"  # type: ignore[misc]  # the point
    assert boundary.mapping is not None
    with pytest.raises(FrozenInstanceError):
        boundary.mapping.partition = "other"  # type: ignore[misc]  # the point


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.__name__)
def test_every_refusal_has_the_one_root_and_no_other_of_them(
    refusal: type[SlurmPolicyError],
) -> None:
    assert issubclass(refusal, SlurmPolicyError)
    assert issubclass(SlurmPolicyError, RuntimeError)
    assert [other for other in REFUSALS if issubclass(refusal, other)] == [refusal]
