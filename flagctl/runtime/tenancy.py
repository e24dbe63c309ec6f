"""Whose submissions a request may make: the same in every mode (AC-007)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from flagctl.domain.access import RuntimeScope, token_hash
from flagctl.runtime.problems import ProblemCode, ProblemError
from flagctl.runtime.schemas import SubmitJobCommand

_BEARER: Final = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr] +([A-Za-z0-9._~+/=-]{1,512})")
_HOW: Final = "Send `Authorization: Bearer <token>` with a token from `flagctl tokens issue`."


def bearer_token(authorization: Sequence[str]) -> str:
    """Return the token in the request's one `Authorization` header.

    Raises:
        ProblemError: there is none, there are several, or it is malformed.

    """
    match = _BEARER.fullmatch(authorization[0].strip()) if len(authorization) == 1 else None
    if match is None:
        state = "malformed" if authorization else "missing"
        raise ProblemError(
            ProblemCode.UNAUTHORIZED, f"The credentials are {state}. {_HOW}", "Authorization"
        )
    return match[1]


def scope_of(token: str, scopes: Mapping[str, RuntimeScope] | None) -> RuntimeScope:
    """Return what a token may submit for.

    Raises:
        ProblemError: nobody issued it, or it was revoked; or no token can be checked now,
            because the store was never read.

    """
    if scopes is None:
        raise ProblemError(
            ProblemCode.EXECUTION_UNAVAILABLE,
            "Tokens can't be checked now: this process never could read its store. Try again.",
        )
    scope = scopes.get(token_hash(token))
    if scope is None:
        raise ProblemError(
            ProblemCode.UNAUTHORIZED,
            f"The token is unknown or revoked. {_HOW}",
            "Authorization",
        )
    return scope


def require_covered(scope: RuntimeScope, command: SubmitJobCommand) -> None:
    """Raise `ProblemError` unless the token covers workspace and node of the command."""
    if not scope.covers_workspace(command.tenant_id, command.workspace_id):
        foreign = "tenant_id" if command.tenant_id != scope.tenant_id else "workspace_id"
        raise ProblemError(
            ProblemCode.FORBIDDEN, f"The token does not cover this {foreign}.", f"/{foreign}"
        )
    if not scope.names_node(command.management_node_id):
        raise ProblemError(
            ProblemCode.MANAGEMENT_NODE_NOT_FOUND,
            "There is no such management node for this token.",
            "/management_node_id",
        )
