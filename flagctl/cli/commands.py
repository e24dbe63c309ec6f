"""The commands of `flagctl`, put together; what each needs is imported when it runs."""

from __future__ import annotations

from typing import Annotated

import typer

from flagctl import __version__
from flagctl.cli import (
    acts,
    audit,
    database,
    follow_ups,
    reminders,
    serve,
    submissions,
    tokens,
    users,
)
from flagctl.cli.doctor import doctor
from flagctl.cli.exits import EXPLAINED
from flagctl.cli.impact import impact
from flagctl.cli.options import Json
from flagctl.cli.preflight import preflight
from flagctl.cli.say import say
from flagctl.cli.up import up

# No rich: it costs more start-up than everything that `flagctl status` does.
app = typer.Typer(
    help="Says which Slurm adapter mode is in force, and lowers or raises it.",
    epilog=EXPLAINED,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        say(f"flagctl {__version__}")
        raise typer.Exit


@app.callback()
def everything(
    traceback: Annotated[
        bool, typer.Option("--traceback", help="Show where a fault of flagctl itself is.")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Say it.")
    ] = False,
) -> None:
    """Say which Slurm adapter mode is in force, and lower or raise it."""


Check = Annotated[
    bool,
    typer.Option(
        "--check",
        help="Exit 3 when a rollback is expired, else 4 when a live process does not follow.",
    ),
]


def status(json: Json = False, check: Check = False) -> int:
    """Say what is in force, why, and who follows."""
    from flagctl.cli.status import report

    return report(as_json=json, check=check)


app.command()(up)
app.command("web", help="Serve the admin web.")(serve.command_of("web", serve.WEB_PORT))
app.command("runtime", help="Serve the job-submission runtime.")(
    serve.command_of("runtime", serve.RUNTIME_PORT)
)
app.command()(status)
app.command()(impact)
app.command()(acts.rollback)
app.command("raise")(acts.raise_)
app.command()(acts.end)
app.command()(acts.extend)
app.command()(acts.handover)
app.command()(acts.cutover)
app.command()(acts.retire)
app.command()(preflight)
app.command()(doctor)
app.add_typer(reminders.app, name="reminders")
app.add_typer(follow_ups.app, name="follow-ups")
app.add_typer(audit.app, name="audit")
app.add_typer(users.app, name="users")
app.add_typer(tokens.app, name="tokens")
app.add_typer(submissions.app, name="submissions")
app.add_typer(database.app, name="db")
