"""The commands and options that scripts rely on; more may be added, none may go."""

from collections.abc import Iterator
from typing import Any

import pytest
import typer

from flagctl.cli.commands import app

SURFACE: dict[str, tuple[str, ...]] = {
    "up": (),
    "web": ("--host", "--port", "--workers"),
    "runtime": ("--host", "--port", "--workers"),
    "status": ("--check",),
    "impact": (),
    "rollback": ("mode", "--reason", "--expires", "--owner", "--incident", "--wait", "--actor"),
    "raise": ("mode", "--reason", "--revision", "--actor"),
    "end": ("--reason", "--follow-up", "--no-follow-up", "--revision", "--actor"),
    "extend": ("--expires", "--reason", "--actor"),
    "handover": ("--owner", "--reason", "--actor"),
    "cutover": ("mode", "--reason", "--expires", "--owner", "--revision", "--actor"),
    "preflight": (),
    "doctor": (),
    "audit list": (),
    "audit verify": (),
    "audit export": ("--format",),
    "users add": ("name", "--role"),
    "users list": (),
    "users disable": ("name",),
    "users role": ("name", "--role"),
    "users link": ("name",),
    "tokens issue": ("name", "--role", "--tenant", "--workspace", "--node"),
    "tokens list": (),
    "tokens revoke": ("name",),
    "submissions list": (),
    "db upgrade": (),
    "db check": (),
    "db backup": ("path",),
    "db restore": ("path",),
}


def commands(group: Any, before: str = "") -> Iterator[tuple[str, set[str]]]:
    """Each command with the names of what it takes."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{before}{name} ")
        else:
            yield f"{before}{name}", {word for each in command.params for word in each.opts}


TAKES = dict(commands(typer.main.get_command(app)))


@pytest.mark.parametrize(("command", "words"), SURFACE.items(), ids=SURFACE)
def test_a_command_takes_what_scripts_give_it(command: str, words: tuple[str, ...]) -> None:
    assert set(words) <= TAKES[command]


@pytest.mark.parametrize("command", TAKES)
def test_every_command_can_answer_in_json(command: str) -> None:
    assert "--json" in TAKES[command]
