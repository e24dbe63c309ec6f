"""The lines between the service and the child that holds pyslurm, version 1.

Each is one JSON object in UTF-8. The child begins with a hello and then answers each request:

    ← {"v": 1, "hello": {"pyslurm", "python", "user", "groups"}}
    → {"v": 1, "id": 7, "op": "find", "args": {...}, "deadline_s": 5.0}
    ← {"v": 1, "id": 7, "sending": true}
    ← {"v": 1, "id": 7, "ok": {...}, "ms": 0.9}
    ← {"v": 1, "id": 7, "error": {"kind", "errno", "text"}, "ms": 0.9}

The notice `sending` comes just before something leaves the child that can't be taken back;
without it nothing did. `kind` is `slurm` for what Slurm answered, `internal` for anything else
that went wrong. `ms` is how long the operation took in the child, in milliseconds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

PROTOCOL: Final = 1
LINE_MAX_BYTES: Final = 64 * 1024 * 1024
_SHOWN_CHARS: Final = 120


class GarbageError(Exception):
    """What came is no message of this version: the child can't be trusted any more."""


@dataclass(frozen=True, slots=True)
class Hello:
    """Who runs the child, and with which pyslurm: this user submits, whoever runs the service."""

    pyslurm: str
    python: str
    user: str
    groups: frozenset[str]


@dataclass(frozen=True, slots=True)
class ErrorReply:
    """What the child says went wrong; `errno` is Slurm's."""

    kind: str
    errno: int | None
    text: str


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to one request: `ok`, or `error`; `latency_ms` is the child's own time.

    `was_sent`: the notice came before it.
    """

    ok: Mapping[str, Any] | None
    error: ErrorReply | None
    latency_ms: float
    was_sent: bool = False


def request_line(number: int, op: str, args: Mapping[str, Any], deadline_s: float) -> bytes:
    """Return the line that asks for one operation."""
    message = {"v": PROTOCOL, "id": number, "op": op, "args": args, "deadline_s": deadline_s}
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def hello_from(line: bytes) -> Hello:
    """Return the child's first line.

    Raises:
        GarbageError: it is something else.

    """
    message = _message(line)
    try:
        hello = message["hello"]
        groups = frozenset(str(name) for name in hello["groups"])
        return Hello(str(hello["pyslurm"]), str(hello["python"]), str(hello["user"]), groups)
    except (KeyError, TypeError) as error:
        raise GarbageError(f"its hello is not whole: {_shown(line)}") from error


def reply_from(line: bytes, number: int, *, was_sent: bool = False) -> Reply | None:
    """Return the answer to request `number`, or `None` if the line is its notice.

    Raises:
        GarbageError: it is something else, or the answer to another request.

    """
    message = _message(line)
    if message.get("id") != number:
        raise GarbageError(f"it answered another request than {number}: {_shown(line)}")
    if message.get("sending") is True:
        return None
    try:
        return Reply(_ok(message), _error(message), float(message["ms"]), was_sent)
    except (KeyError, TypeError, ValueError) as error:
        raise GarbageError(f"its answer is not whole: {_shown(line)}") from error


def _ok(message: Mapping[str, Any]) -> Mapping[str, Any] | None:
    ok = message.get("ok")
    if ok is not None and not isinstance(ok, dict):
        raise TypeError("ok is no object")
    if (ok is None) == (message.get("error") is None):
        raise ValueError("neither ok nor error, or both")
    return ok


def _error(message: Mapping[str, Any]) -> ErrorReply | None:
    error = message.get("error")
    if error is None:
        return None
    return ErrorReply(str(error["kind"]), error["errno"], str(error["text"]))


def _message(line: bytes) -> Mapping[str, Any]:
    try:
        message = json.loads(line)
    except ValueError as error:
        raise GarbageError(f"it wrote what is no message: {_shown(line)}") from error
    if not isinstance(message, dict) or message.get("v") != PROTOCOL:
        raise GarbageError(f"it does not speak version {PROTOCOL}: {_shown(line)}")
    return message


def _shown(line: bytes) -> str:
    return repr(line[:_SHOWN_CHARS].decode(errors="replace"))
