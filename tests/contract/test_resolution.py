"""The resolution table of the contract for `passthrough` and `stub-policy`, cell by cell.

Frozen (AC-002): written against `flagctl.adapter`, the environment and the policy files beside it
only, this suite stays green, unchanged, through every later change. A change that needs an edit
here breaks the contract.
"""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from flagctl.adapter import (
    SlurmPolicyConfigError,
    SlurmPolicyDeniedError,
    SlurmPolicyError,
    SlurmQueueMapping,
)
from tests.contract.conftest import AdapterIn

STANDARD = SlurmQueueMapping("standard", "short", "chem-default", "normal", 120)
HIGHMEM = SlurmQueueMapping("highmem", "long", "chem-premium", "priority", 720)

BLANK = ["", " ", "\t\n"]
# Passthrough never looks at the path, so neither a broken nor a missing file matters.
IGNORED = [None, "routes.json", "denies.json", "missing.json", "."]

# policy, asked, resolved, fallback, mapping
STUB_POLICY = [
    ("routes.json", "standard", "standard", False, STANDARD),
    ("routes.json", "highmem", "highmem", False, HIGHMEM),
    ("routes.json", " standard ", "standard", False, STANDARD),
    ("routes.json", "\thighmem\n", "highmem", False, HIGHMEM),
    ("routes.json", "unknown", "standard", True, STANDARD),
    ("routes.json", " unknown ", "standard", True, STANDARD),
    ("routes.json", "STANDARD", "standard", True, STANDARD),
    ("denies.json", "standard", "standard", False, STANDARD),
    ("denies.json", " highmem", "highmem", False, HIGHMEM),
]


@pytest.mark.parametrize("policy", IGNORED)
@pytest.mark.parametrize("queue", ["standard", "unknown", "  padded ", "zwei Wörter"])
def test_passthrough_gives_the_queue_that_was_asked_for(
    adapter_in: AdapterIn, policy: str | None, queue: str
) -> None:
    boundary = adapter_in("passthrough", policy).resolve(queue)
    assert asdict(boundary) == {
        "adapter": "passthrough",
        "contract_version": "slurm-adapter-boundary/v1",
        "requested_queue": queue.strip(),
        "resolved_queue": queue.strip(),
        "used_fallback": False,
        "mapping": None,
    }


@pytest.mark.parametrize(("policy", "queue", "resolved", "used_fallback", "mapping"), STUB_POLICY)
def test_stub_policy_gives_what_the_policy_says(
    adapter_in: AdapterIn,
    policy: str,
    queue: str,
    resolved: str,
    used_fallback: bool,
    mapping: SlurmQueueMapping,
) -> None:
    boundary = adapter_in("stub-policy", policy).resolve(queue)
    assert asdict(boundary) == {
        "adapter": "stub-policy",
        "contract_version": "slurm-adapter-boundary/v1",
        "requested_queue": queue.strip(),
        "resolved_queue": resolved,
        "used_fallback": used_fallback,
        "mapping": asdict(mapping),
    }
    assert boundary.mapping == mapping


@pytest.mark.parametrize("queue", ["unknown", " unknown ", "STANDARD"])
def test_stub_policy_denies_an_unknown_queue_when_the_policy_says_deny(
    adapter_in: AdapterIn, queue: str
) -> None:
    with pytest.raises(SlurmPolicyDeniedError, match=queue.strip()) as caught:
        adapter_in("stub-policy", "denies.json").resolve(queue)
    assert not isinstance(caught.value, SlurmPolicyConfigError)


@pytest.mark.parametrize("queue", ["standard", " unknown "])
def test_stub_policy_without_a_policy_path_answers_as_passthrough(
    adapter_in: AdapterIn, queue: str
) -> None:
    boundary = adapter_in("stub-policy").resolve(queue)
    assert boundary == adapter_in("passthrough").resolve(queue)
    assert boundary.adapter == "passthrough"


@pytest.mark.parametrize("queue", BLANK)
@pytest.mark.parametrize(
    ("mode", "policy"),
    [
        ("passthrough", None),
        ("passthrough", "routes.json"),
        ("stub-policy", None),
        ("stub-policy", "routes.json"),
        ("stub-policy", "denies.json"),
    ],
)
def test_a_blank_queue_is_denied(
    adapter_in: AdapterIn, mode: str, policy: str | None, queue: str
) -> None:
    with pytest.raises(SlurmPolicyDeniedError):
        adapter_in(mode, policy).resolve(queue)


@pytest.mark.parametrize("queue", ["standard", "unknown"])
@pytest.mark.parametrize("policy", ["missing.json", "."])
def test_stub_policy_with_a_policy_that_can_t_be_used_is_a_configuration_error(
    adapter_in: AdapterIn, policy: str, queue: str
) -> None:
    with pytest.raises(SlurmPolicyConfigError) as caught:
        adapter_in("stub-policy", policy).resolve(queue)
    assert not isinstance(caught.value, SlurmPolicyDeniedError)


MAPPING = {
    "queue": "standard",
    "partition": "short",
    "account": "chem-default",
    "qos": "normal",
    "max_walltime_minutes": 120,
}
ROUTE = {"mode": "route-default", "default_queue": "standard"}
BROKEN = {
    "not JSON": "queue_mappings: []",
    "not an object": "[]",
    "no mappings": json.dumps({"fallback_policy": ROUTE}),
    "empty mappings": json.dumps({"queue_mappings": [], "fallback_policy": ROUTE}),
    "duplicate queue": json.dumps(
        {"queue_mappings": [MAPPING, MAPPING | {"queue": " standard "}], "fallback_policy": ROUTE}
    ),
    "blank partition": json.dumps(
        {"queue_mappings": [MAPPING | {"partition": " "}], "fallback_policy": ROUTE}
    ),
    "a walltime of true": json.dumps(
        {"queue_mappings": [MAPPING | {"max_walltime_minutes": True}], "fallback_policy": ROUTE}
    ),
    "a walltime of 0": json.dumps(
        {"queue_mappings": [MAPPING | {"max_walltime_minutes": 0}], "fallback_policy": ROUTE}
    ),
    "no fallback": json.dumps({"queue_mappings": [MAPPING]}),
    "an unknown fallback mode": json.dumps(
        {"queue_mappings": [MAPPING], "fallback_policy": {"mode": "allow"}}
    ),
    "a default queue without a mapping": json.dumps(
        {"queue_mappings": [MAPPING], "fallback_policy": ROUTE | {"default_queue": "other"}}
    ),
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN.keys())
def test_a_policy_is_checked_whole_before_any_queue_is_resolved(
    adapter_in: AdapterIn, tmp_path: Path, content: str
) -> None:
    path = tmp_path / "policy.json"
    path.write_text(content)
    with pytest.raises(SlurmPolicyConfigError):
        adapter_in("stub-policy", path).resolve("standard")


def test_an_adapter_mode_that_nobody_knows_is_a_configuration_error(adapter_in: AdapterIn) -> None:
    with pytest.raises(SlurmPolicyConfigError, match="ZPE_SLURM_ADAPTER"):
        adapter_in("stub")


def test_the_ids_of_the_caller_change_no_answer(adapter_in: AdapterIn) -> None:
    adapter = adapter_in("stub-policy", "routes.json")
    plain = adapter.resolve("unknown")
    scoped = adapter.resolve(
        "unknown", trace_id="t", tenant_id="acme", workspace_id="w", job_id="j"
    )
    assert scoped == plain


@pytest.mark.parametrize("mode", ["passthrough", "stub-policy"])
def test_the_effective_mode_is_told_with_what_decides_it(adapter_in: AdapterIn, mode: str) -> None:
    effective = adapter_in(mode, "routes.json").effective()
    assert (effective.mode, effective.configured, effective.source) == (mode, mode, "env")


@pytest.mark.parametrize(
    "error", [SlurmPolicyDeniedError, SlurmPolicyConfigError], ids=lambda error: error.__name__
)
def test_one_class_catches_every_refusal(error: type[Exception]) -> None:
    assert issubclass(error, SlurmPolicyError)
