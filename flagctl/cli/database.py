"""`flagctl db`: operations on the control database, safe while everything runs."""

from __future__ import annotations

import typer

from flagctl.cli.desk import sit_down
from flagctl.cli.options import Json
from flagctl.cli.say import say, say_json

app = typer.Typer(
    help="The control database: upgrade, check, backup, restore.", no_args_is_help=True
)


@app.command()
def upgrade(json: Json = False) -> None:
    """Make control.db, or bring it to the schema of this version."""
    from flagctl.store.migrate import upgrade as upgrade_files

    desk = sit_down()
    changed = upgrade_files(desk.files)
    path = desk.files.control
    if json:
        say_json({"path": str(path), "changed": changed})
    else:
        say(f"{path} {'is ready now' if changed else 'was up to date already'}.")
