"""`flagctl tokens`: issued once, listed, revoked."""

from __future__ import annotations

from typing import Annotated

import typer

from flagctl.cli.desk import invoking_actor, sit_down
from flagctl.cli.options import Claim, Json
from flagctl.cli.say import say, say_json
from flagctl.domain import fields
from flagctl.domain.access import RuntimeScope, Token
from flagctl.errors import InvalidError
from flagctl.present.access import scope_words, token_record
from flagctl.store.reading import read_tokens
from flagctl.vocabulary import Role

app = typer.Typer(
    help="Tokens: a role for the API, or a tenant's scope for the runtime.", no_args_is_help=True
)

Name = Annotated[str, typer.Argument(help="The token's name, unique among the active ones.")]
ApiRole = Annotated[Role | None, typer.Option("--role", help="For the API: what it may do.")]
Tenant = Annotated[str | None, typer.Option("--tenant", help="For the runtime: whose jobs.")]
Workspaces = Annotated[
    list[str] | None,
    typer.Option("--workspace", help="Only this workspace; again for more. None: any."),
]
Nodes = Annotated[
    list[str] | None,
    typer.Option("--node", help="Only this management node; again for more. None: any."),
]


@app.command()
def issue(
    name: Name,
    role: ApiRole = None,
    tenant: Tenant = None,
    workspace: Workspaces = None,
    node: Nodes = None,
    actor: Claim = None,
    json: Json = False,
) -> None:
    """Make a token and show its secret, once; only its hash is kept."""
    from flagctl.store.tokens import TokenRequest, issue_token

    scope = _scope(tenant, workspace or [], node or [])
    wanted = TokenRequest(name, role, scope)
    issued = issue_token(sit_down().store(), wanted, invoking_actor(actor))
    if json:
        say_json({"secret": issued.secret, "token": token_record(issued.token)})
        return
    say(f"Token {issued.token.name}: {scope_words(issued.token)}. Its secret, shown only now:")
    say(issued.secret)


@app.command("list")
def list_(json: Json = False) -> None:
    """List every token ever issued, the newest first; a missing scope part means any."""
    with sit_down().reading() as connection:
        tokens = read_tokens(connection)
    if json:
        say_json([token_record(token) for token in tokens])
        return
    for token in tokens:
        say(_line(token))
    if not tokens:
        say("No token was issued yet: flagctl tokens issue NAME --tenant TENANT")


@app.command()
def revoke(name: Name, actor: Claim = None, json: Json = False) -> None:
    """Make a token worthless, from the next request on."""
    from flagctl.store.tokens import revoke_token

    token = revoke_token(sit_down().store(), name, invoking_actor(actor))
    if json:
        say_json(token_record(token))
    else:
        say(f"Token {token.name} is revoked; the next request with it is refused.")


def _scope(tenant: str | None, workspaces: list[str], nodes: list[str]) -> RuntimeScope | None:
    if tenant is None:
        if workspaces or nodes:
            raise InvalidError("--workspace and --node belong to a --tenant; give it.", "tenant")
        return None
    return RuntimeScope(
        tenant_id=fields.name(tenant, "tenant"),
        workspace_ids=_names(workspaces, "workspace"),
        management_node_ids=_names(nodes, "node"),
    )


def _names(values: list[str], field: str) -> frozenset[str] | None:
    return frozenset(fields.name(value, field) for value in values) or None


def _line(token: Token) -> str:
    end = f", revoked {token.revoked_at:%Y-%m-%d %H:%M} UTC" if token.revoked_at else ""
    issued = f"issued {token.issued_at:%Y-%m-%d %H:%M} UTC by {token.issued_by}"
    return f"{token.name}: {scope_words(token)}; {issued}{end}"
