import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from flagctl.domain.boundary import SlurmPolicyConfigError, SlurmPolicyDeniedError
from flagctl.domain.policy import POLICY_MAX_BYTES, QueuePolicy, parse_policy

STANDARD = {
    "queue": "standard",
    "partition": "short",
    "account": "chem-default",
    "qos": "normal",
    "max_walltime_minutes": 120,
}
GOOD: dict[str, Any] = {
    "queue_mappings": [STANDARD, STANDARD | {"queue": "highmem", "max_walltime_minutes": 720}],
    "fallback_policy": {"mode": "route-default", "default_queue": "standard"},
}


def policy_with(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    raw = copy.deepcopy(GOOD)
    change(raw)
    return raw


def complaint(raw: object) -> str:
    with pytest.raises(SlurmPolicyConfigError) as caught:
        parse_policy(raw)
    return str(caught.value)


def test_a_policy_is_the_same_from_bytes_and_from_json() -> None:
    policy = parse_policy(GOOD)
    assert list(policy.mappings) == ["standard", "highmem"]
    assert policy.default == policy.mappings["standard"]
    assert parse_policy(json.dumps(GOOD).encode()) == policy


def test_a_policy_that_denies_needs_no_default_queue() -> None:
    raw = policy_with(lambda raw: raw.update(fallback_policy={"mode": "deny"}))
    assert parse_policy(raw).default is None


def test_texts_of_a_policy_are_trimmed() -> None:
    def pad(raw: dict[str, Any]) -> None:
        raw["queue_mappings"][0] = {
            key: f"\t{value} " if isinstance(value, str) else value
            for key, value in STANDARD.items()
        }
        raw["fallback_policy"]["default_queue"] = " standard\n"

    assert parse_policy(policy_with(pad)) == parse_policy(GOOD)


def test_keys_that_the_contract_does_not_name_are_kept_out_of_the_way() -> None:
    def add(raw: dict[str, Any]) -> None:
        raw.update(cluster_name=None, slurm=[float("1")], note={"queue_mappings": 1})
        raw["queue_mappings"][0]["comment"] = True
        raw["fallback_policy"]["since"] = {}

    assert parse_policy(policy_with(add)) == parse_policy(GOOD)


def test_a_policy_can_t_be_changed_once_it_is_parsed() -> None:
    raw = copy.deepcopy(GOOD)
    policy = parse_policy(raw)
    raw["queue_mappings"].clear()
    assert "standard" in policy.mappings
    with pytest.raises(TypeError):
        policy.mappings["x"] = policy.mappings["standard"]  # type: ignore[index]  # the point


SHAPES: dict[str, tuple[object, str]] = {
    "no object": ([], "$ is a list; it must be an object"),
    "null": (None, "$ is null"),
    "text": ("{}", "$ is text"),
    "no mappings": ({"fallback_policy": {"mode": "deny"}}, "$.queue_mappings is missing"),
    "mappings no list": (GOOD | {"queue_mappings": {}}, "$.queue_mappings is an object"),
    "mappings empty": (GOOD | {"queue_mappings": []}, "$.queue_mappings is empty"),
    "mapping no object": (GOOD | {"queue_mappings": [STANDARD, 1]}, "$.queue_mappings[1] is a who"),
    "fallback missing": ({"queue_mappings": [STANDARD]}, "$.fallback_policy is missing"),
    "fallback no object": (GOOD | {"fallback_policy": "deny"}, "$.fallback_policy is text"),
    "duplicate after trimming": (
        GOOD | {"queue_mappings": [STANDARD, STANDARD | {"queue": " standard"}]},
        "$.queue_mappings[1].queue 'standard' is mapped already at $.queue_mappings[0]",
    ),
}


@pytest.mark.parametrize(("raw", "said"), SHAPES.values(), ids=SHAPES.keys())
def test_a_policy_of_the_wrong_shape_is_named_by_its_json_path(raw: object, said: str) -> None:
    message = complaint(raw)
    assert message.startswith(said)
    assert message.endswith(("Correct the policy file.", "Keep one of the two."))


TEXTS: list[object] = [None, True, 7, 1.5, [], {}, "", " \t\n", "\ud800"]
MINUTES: list[object] = [None, True, False, "120", 120.0, 1e3, 0, -1, [], {}]


@pytest.mark.parametrize("key", ["queue", "partition", "account", "qos"])
@pytest.mark.parametrize("value", TEXTS, ids=ascii)
def test_a_mapping_s_text_that_is_no_text_or_blank_is_refused(key: str, value: object) -> None:
    raw = GOOD | {"queue_mappings": [STANDARD | {key: value}]}
    assert complaint(raw).startswith(f"$.queue_mappings[0].{key} ")


@pytest.mark.parametrize("value", MINUTES, ids=ascii)
def test_a_walltime_that_is_no_whole_number_above_0_is_refused(value: object) -> None:
    raw = GOOD | {"queue_mappings": [STANDARD, STANDARD | {"max_walltime_minutes": value}]}
    assert complaint(raw).startswith("$.queue_mappings[1].max_walltime_minutes ")


@pytest.mark.parametrize("key", STANDARD)
def test_a_key_that_is_missing_from_a_mapping_is_named(key: str) -> None:
    short = {name: value for name, value in STANDARD.items() if name != key}
    assert complaint(GOOD | {"queue_mappings": [short]}).startswith(
        f"$.queue_mappings[0].{key} is missing; it must be "
    )


FALLBACKS: dict[str, tuple[dict[str, Any], str]] = {
    "no mode": ({}, "$.fallback_policy.mode is missing"),
    "unknown mode": ({"mode": "allow"}, "$.fallback_policy.mode 'allow' is unknown"),
    "padded mode": ({"mode": "deny "}, "$.fallback_policy.mode 'deny ' is unknown"),
    "mode no text": ({"mode": True}, "$.fallback_policy.mode is true or false"),
    "no default": ({"mode": "route-default"}, "$.fallback_policy.default_queue is missing"),
    "blank default": (
        {"mode": "route-default", "default_queue": " "},
        "$.fallback_policy.default_queue is blank",
    ),
    "default not mapped": (
        {"mode": "route-default", "default_queue": "x"},
        "$.fallback_policy.default_queue 'x' is not mapped",
    ),
}


@pytest.mark.parametrize(("fallback", "said"), FALLBACKS.values(), ids=FALLBACKS.keys())
def test_a_fallback_is_checked_at_load(fallback: dict[str, Any], said: str) -> None:
    assert complaint(GOOD | {"fallback_policy": fallback}).startswith(said)


BYTES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "it is not JSON"),
    "half": (json.dumps(GOOD).encode()[:90], "it is not JSON"),
    "no JSON": (b"queues: [standard]", "it is not JSON"),
    "two documents": (b"{} {}", "it is not JSON"),
    "NaN": (b'{"queue_mappings": NaN}', "it is not JSON: NaN is no JSON number"),
    "infinity": (b'{"x": -Infinity}', "it is not JSON: -Infinity is no JSON number"),
    "byte order mark": (b"\xef\xbb\xbf{}", "it is not JSON: Unexpected UTF-8 BOM"),
    "latin 1": ('{"x": "é"}'.encode("latin-1"), "it is not UTF-8 (byte 7)"),
    "UTF-16": (json.dumps(GOOD).encode("utf-16"), "it is not UTF-8"),
    "endless number": (b'{"x": ' + b"9" * 5000 + b"}", "it is not JSON"),
    "too deep": (b"[" * 200_000, "its lists and objects stand too deep"),
    "over 1 MiB": (b" " * (POLICY_MAX_BYTES + 1), "it has 1048577 bytes; at most 1048576 (1 MiB)"),
}


@pytest.mark.parametrize(("raw", "said"), BYTES.values(), ids=BYTES.keys())
def test_bytes_that_are_no_json_in_utf_8_are_refused(raw: bytes, said: str) -> None:
    assert complaint(raw).startswith(said)


def test_a_policy_of_exactly_1_mib_is_read() -> None:
    assert parse_policy(json.dumps(GOOD).encode().ljust(POLICY_MAX_BYTES)) == parse_policy(GOOD)


REPEATED: dict[str, tuple[tuple[str, str], str]] = {
    "a mapping's key": (('"qos":', '"qos": "x", "qos":'), "$.queue_mappings[0].qos"),
    "the mappings": (('"fallback_policy":', '"queue_mappings": [], "fallback_policy":'), "$.queue"),
    "the fallback's mode": (('"mode":', '"mode": "deny", "mode":'), "$.fallback_policy.mode"),
}


@pytest.mark.parametrize(("change", "said"), REPEATED.values(), ids=REPEATED.keys())
def test_a_key_that_stands_twice_is_refused(change: tuple[str, str], said: str) -> None:
    message = complaint(json.dumps(GOOD).replace(*change, 1).encode())
    assert message.startswith(said)
    assert "stands more than once" in message


def test_a_key_that_stands_twice_where_nobody_looks_is_kept_out_of_the_way() -> None:
    raw = json.dumps(GOOD).replace('"fallback_policy":', '"x": 1, "x": 2, "fallback_policy":')
    assert parse_policy(raw.encode()) == parse_policy(GOOD)


def deny(queues: int) -> QueuePolicy:
    mappings = [STANDARD | {"queue": f"q{number}"} for number in range(queues)]
    return parse_policy({"queue_mappings": mappings, "fallback_policy": {"mode": "deny"}})


def test_a_denial_names_the_queue_and_the_queues_to_ask_for() -> None:
    with pytest.raises(SlurmPolicyDeniedError) as caught:
        deny(2).resolve("fast")
    assert "Queue 'fast' is not in the queue policy" in str(caught.value)
    assert str(caught.value).endswith("Ask for one of: 'q0', 'q1'.")


def test_a_denial_stays_readable_however_long_the_names_are() -> None:
    with pytest.raises(SlurmPolicyDeniedError) as caught:
        deny(500).resolve("x" * 60_000 + "\x1b[2J")
    assert len(str(caught.value)) < 400
    assert str(caught.value).isprintable()
    assert str(caught.value).endswith("'q9' and 490 more.")
