"""The queue policy: its file's shape, checked whole, and the queue that it gives for a name.

The rules are the contract's (runtime contracts, section 1). A message names the JSON path.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from types import MappingProxyType
from typing import Final, Never

from flagctl.domain.boundary import (
    SlurmAdapterBoundaryStub,
    SlurmPolicyConfigError,
    SlurmPolicyDeniedError,
    SlurmQueueMapping,
    quoted,
)
from flagctl.vocabulary import Mode

POLICY_MAX_BYTES: Final = 1024 * 1024
_QUEUES_SHOWN: Final = 10


class FallbackMode(StrEnum):
    """What a policy does with a queue that it does not map."""

    ROUTE_DEFAULT = "route-default"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class QueuePolicy:
    """A policy that was checked whole. `default` takes unknown queues; `None` denies them."""

    mappings: Mapping[str, SlurmQueueMapping]
    default: SlurmQueueMapping | None

    def resolve(self, requested: str) -> tuple[str, SlurmQueueMapping, bool]:
        """Return the queue used, its mapping, and whether that is the fallback.

        `requested` is trimmed and not blank (`requested_queue`).

        Raises:
            SlurmPolicyDeniedError: the queue is unknown and the fallback is `deny`.

        """
        mapping = self.mappings.get(requested)
        if mapping is not None:
            return requested, mapping, False
        if self.default is None:
            raise SlurmPolicyDeniedError(
                f"Queue {quoted(requested)} is not in the queue policy, which denies unknown "
                f"queues. Ask for one of: {self._queues()}."
            )
        return self.default.queue, self.default, True

    def boundary(self, adapter: Mode, requested: str) -> SlurmAdapterBoundaryStub:
        """Return what any policy mode answers for this queue; only `adapter` differs (parity).

        Raises:
            SlurmPolicyDeniedError: as `resolve`.

        """
        resolved, mapping, used_fallback = self.resolve(requested)
        return SlurmAdapterBoundaryStub(
            adapter=adapter,
            requested_queue=requested,
            resolved_queue=resolved,
            used_fallback=used_fallback,
            mapping=mapping,
        )

    def _queues(self) -> str:
        names = list(self.mappings)
        more = len(names) - _QUEUES_SHOWN
        shown = ", ".join(quoted(name) for name in names[:_QUEUES_SHOWN])
        return f"{shown} and {more} more" if more > 0 else shown


def parse_policy(raw: object) -> QueuePolicy:
    """Return the policy in the bytes of a file, or in JSON that was read already.

    A key that stands twice in one object is refused where its value is needed: no reader could
    know which of the two was meant. Keys that the contract does not name are not looked at.

    Raises:
        SlurmPolicyConfigError: the bytes are over 1 MiB, not UTF-8 or not JSON, or the shape is
            wrong; the message names the JSON path and says what belongs there.

    """
    policy = _object(_decoded(raw) if isinstance(raw, bytes) else raw, "$")
    mappings = _mappings(policy.get("queue_mappings", _Odd.MISSING), "$.queue_mappings")
    fallback = policy.get("fallback_policy", _Odd.MISSING)
    return QueuePolicy(MappingProxyType(mappings), _default(fallback, mappings))


class _Odd(Enum):
    """What can stand where a JSON value was expected."""

    MISSING = "is missing"
    REPEATED = "stands more than once in its object"


_FOUND: Final[Mapping[type, str]] = {
    bool: "is true or false",
    int: "is a whole number",
    float: "is a number with a fraction or an exponent",
    str: "is text",
    list: "is a list",
    dict: "is an object",
    type(None): "is null",
}


def _decoded(raw: bytes) -> object:
    if len(raw) > POLICY_MAX_BYTES:
        raise SlurmPolicyConfigError(too_large(len(raw)))
    try:
        text = raw.decode()
        return json.loads(text, object_pairs_hook=_pairs, parse_constant=_not_json)
    except UnicodeDecodeError as error:
        problem = f"it is not UTF-8 (byte {error.start}). Save the policy file as UTF-8."
    except RecursionError:
        problem = "its lists and objects stand too deep in each other. Correct the policy file."
    except ValueError as error:
        problem = f"it is not JSON: {error}. Correct the policy file."
    raise SlurmPolicyConfigError(problem)


def too_large(size_bytes: int) -> str:
    """Return what is wrong with a policy of more than 1 MiB."""
    return (
        f"it has {size_bytes} bytes; at most {POLICY_MAX_BYTES} (1 MiB) are read. "
        "Is this the right file?"
    )


def _pairs(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        counts = Counter(key for key, _ in pairs)
        found.update({key: _Odd.REPEATED for key, count in counts.items() if count > 1})
    return found


def _not_json(constant: str) -> Never:
    raise ValueError(f"{constant} is no JSON number")


def _mappings(value: object, path: str) -> dict[str, SlurmQueueMapping]:
    if not isinstance(value, list) or not value:
        _refuse(path, _found(value, empty="is empty"), "a list with at least one queue")
    mappings: dict[str, SlurmQueueMapping] = {}
    for index, item in enumerate(value):
        mapping = _mapping(item, f"{path}[{index}]")
        if mapping.queue in mappings:
            first = list(mappings).index(mapping.queue)
            raise SlurmPolicyConfigError(
                f"{path}[{index}].queue {quoted(mapping.queue)} is mapped already at "
                f"{path}[{first}]. Keep one of the two."
            )
        mappings[mapping.queue] = mapping
    return mappings


def _mapping(value: object, path: str) -> SlurmQueueMapping:
    item = _object(value, path)
    return SlurmQueueMapping(
        queue=_text(item, "queue", path),
        partition=_text(item, "partition", path),
        account=_text(item, "account", path),
        qos=_text(item, "qos", path),
        max_walltime_minutes=_minutes(item, "max_walltime_minutes", path),
    )


def _default(value: object, mappings: Mapping[str, SlurmQueueMapping]) -> SlurmQueueMapping | None:
    """Return the mapping for unknown queues: checked at load, not when one is asked for."""
    path = "$.fallback_policy"
    fallback = _object(value, path)
    mode = fallback.get("mode", _Odd.MISSING)
    if mode == FallbackMode.DENY:
        return None
    if mode != FallbackMode.ROUTE_DEFAULT:
        known = " or ".join(f'"{known}"' for known in FallbackMode)
        found = f"{quoted(mode)} is unknown" if isinstance(mode, str) else _found(mode)
        _refuse(f"{path}.mode", found, known)
    queue = _text(fallback, "default_queue", path)
    if queue not in mappings:
        _refuse(
            f"{path}.default_queue",
            f"{quoted(queue)} is not mapped",
            "a queue of $.queue_mappings",
        )
    return mappings[queue]


def _object(value: object, path: str) -> Mapping[object, object]:
    if not isinstance(value, dict):
        _refuse(path, _found(value), "an object")
    return value


def _text(item: Mapping[object, object], key: str, path: str) -> str:
    value = item.get(key, _Odd.MISSING)
    trimmed = value.strip() if isinstance(value, str) else ""
    if not trimmed:
        _refuse(f"{path}.{key}", _found(value, empty="is blank"), "text that is not blank")
    if any("\ud800" <= char <= "\udfff" for char in trimmed):
        # Such text can be written into no log, job or answer: it has no UTF-8 form.
        _refuse(f"{path}.{key}", "holds half a character (a lone surrogate)", "text")
    return trimmed


def _minutes(item: Mapping[object, object], key: str, path: str) -> int:
    value = item.get(key, _Odd.MISSING)
    # bool is a kind of int in Python, not in JSON.
    if isinstance(value, bool) or not isinstance(value, int):
        _refuse(f"{path}.{key}", _found(value), "a whole number of minutes above 0")
    if value < 1:
        _refuse(f"{path}.{key}", "is 0 or less", "a whole number of minutes above 0")
    return value


def _found(value: object, empty: str | None = None) -> str:
    """Return what stands there in words, never the value: it may be long, or hold a secret."""
    if isinstance(value, _Odd):
        return value.value
    if empty is not None and isinstance(value, str | list):
        return empty
    return _FOUND.get(type(value), "is no JSON value")


def _refuse(path: str, found: str, wanted: str) -> Never:
    raise SlurmPolicyConfigError(f"{path} {found}; it must be {wanted}. Correct the policy file.")
