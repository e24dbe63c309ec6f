"""Tokens: for the API, with a role; for the runtime, with a tenant. Administrators only."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from flagctl.domain import fields
from flagctl.domain.access import RuntimeScope
from flagctl.errors import ConflictError, InvalidError, NotFoundError
from flagctl.present.access import scope_words
from flagctl.store.reading import read_tokens, reading
from flagctl.store.tokens import TokenRequest, issue_token, revoke_token
from flagctl.web.identity import Administrator, SignedIn
from flagctl.web.pages import render
from flagctl.web.people import Problem, role_named
from flagctl.web.problems import status_of
from flagctl.web.services import services_of
from flagctl.web.typed import Fields, Typed

TOKENS: Final = "/tokens"

router = APIRouter()


@router.get(TOKENS)
def tokens(request: Request, _caller: Administrator) -> Response:
    """Show every token ever issued, without its secret."""
    return _page(request, {})


@router.post(TOKENS)
def issue(request: Request, caller: SignedIn, form: Typed) -> Response:
    """Issue a token and show its secret, once."""
    try:
        issued = issue_token(services_of(request).store, wanted_token(form), caller.actor)
    except (InvalidError, ConflictError) as error:
        return _page(request, form, error)
    return render(
        request,
        "secret.html",
        201,
        title=f"Token {issued.token.name}",
        secret=issued.secret,
        note=f"For {scope_words(issued.token)}. It is shown here once and stored nowhere.",
        back=TOKENS,
    )


@router.post(f"{TOKENS}/revoke")
def revoke(request: Request, caller: SignedIn, form: Typed) -> Response:
    """Make a token worthless."""
    try:
        revoke_token(services_of(request).store, form.get("name", ""), caller.actor)
    except (InvalidError, NotFoundError) as error:
        return _page(request, form, error)
    return RedirectResponse(TOKENS, 303)


def wanted_token(form: Fields) -> TokenRequest:
    """Return the token that was typed: a role, or a tenant with its workspaces and nodes."""
    name, tenant, role = (form.get(field, "").strip() for field in ("name", "tenant", "role"))
    if not tenant:
        return TokenRequest(name, role=role_named(role) if role else None)
    scope = RuntimeScope(
        fields.name(tenant, "tenant"), _listed(form, "workspaces"), _listed(form, "nodes")
    )
    return TokenRequest(name, role=role_named(role) if role else None, scope=scope)


def _listed(form: Fields, field: str) -> frozenset[str] | None:
    names = [part.strip() for part in form.get(field, "").split(",") if part.strip()]
    return frozenset(fields.name(each, field) for each in names) or None


def _page(request: Request, form: Fields, error: Problem | None = None) -> Response:
    services = services_of(request)
    with reading(services.files, services.settings.busy_timeout_s) as connection:
        every = [(token, scope_words(token)) for token in read_tokens(connection)]
    status = status_of(error) if error else 200
    return render(request, "tokens.html", status, tokens=every, typed=form, error=error)
