"""The options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

from flagctl.vocabulary import LADDER

Json = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]
Reason = Annotated[str, typer.Option(help="Why, in one line of at most 500 characters.")]
Claim = Annotated[
    str | None,
    typer.Option("--actor", help="Who you say you are; kept beside the name of the OS user."),
]
Revision = Annotated[
    int | None,
    typer.Option(help="The revision you looked at; on a terminal you are asked instead."),
]
Wait = Annotated[
    str | None,
    typer.Option(metavar="SPAN", help="Wait this long (10s) for all live processes to follow."),
]
ModeName = Annotated[
    str, typer.Argument(metavar="MODE", help=f"One of {', '.join(LADDER)}; safest first.")
]
Expires = Annotated[
    str, typer.Option(metavar="WHEN", help="A span (90s, 15m, 4h, 2d) or an RFC 3339 time.")
]
