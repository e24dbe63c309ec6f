"""`flagctl users`: who may sign in to the admin pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from flagctl.cli.desk import Desk, invoking_actor, sit_down
from flagctl.cli.options import Claim, Json
from flagctl.cli.say import say, say_json
from flagctl.present.access import person_record
from flagctl.present.wording import until
from flagctl.store.reading import read_people
from flagctl.vocabulary import Role

if TYPE_CHECKING:
    from flagctl.store.people import IssuedLink

app = typer.Typer(help="People who may sign in, and their roles.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The person's name.")]
OfRole = Annotated[Role, typer.Option("--role", help="What the person may do.")]


@app.command()
def add(name: Name, role: OfRole = Role.VIEWER, actor: Claim = None, json: Json = False) -> None:
    """Let somebody in, or in again, and print a one-time sign-in link."""
    from flagctl.store.people import add_person

    desk = sit_down()
    person = add_person(desk.store(), name, role, invoking_actor(actor))
    _hand_out_link(desk, person.name, actor, as_json=json)


@app.command()
def link(name: Name, actor: Claim = None, json: Json = False) -> None:
    """Print a new one-time sign-in link; an unused earlier one dies."""
    _hand_out_link(sit_down(), name, actor, as_json=json)


@app.command("list")
def list_(json: Json = False) -> None:
    """List everybody, by name."""
    with sit_down().reading() as connection:
        people = read_people(connection)
    if json:
        say_json([person_record(person) for person in people])
        return
    for person in people:
        end = f", disabled {person.disabled_at:%Y-%m-%d}" if person.disabled_at else ""
        say(f"{person.name}: {person.role}, since {person.added_at:%Y-%m-%d}{end}")
    if not people:
        say("Nobody yet: flagctl users add NAME --role admin")


@app.command()
def disable(name: Name, actor: Claim = None, json: Json = False) -> None:
    """Let somebody in no more; never the last administrator."""
    from flagctl.store.people import disable_person

    person = disable_person(sit_down().store(), name, invoking_actor(actor))
    if json:
        say_json(person_record(person))
    else:
        say(f"{person.name} is disabled.")


@app.command()
def role(
    name: Name,
    role: Annotated[Role, typer.Option("--role", help="The new role.")],
    actor: Claim = None,
    json: Json = False,
) -> None:
    """Give somebody another role; never leaves no administrator."""
    from flagctl.store.people import set_role

    person = set_role(sit_down().store(), name, role, invoking_actor(actor))
    if json:
        say_json(person_record(person))
    else:
        say(f"{person.name} is {person.role} now.")


def _hand_out_link(desk: Desk, name: str, claim: str | None, *, as_json: bool) -> None:
    from flagctl.store.people import issue_link

    issued = issue_link(desk.store(), name, invoking_actor(claim))
    url = f"{desk.settings.public_url}/sign-in/{issued.secret}"
    if as_json:
        shown = {"link": url, "expires_at": issued.expires_at}
        say_json({"person": person_record(issued.person), **shown})
    else:
        _tell_link(issued, url)


def _tell_link(issued: IssuedLink, url: str) -> None:
    from flagctl.cli.desk import now

    person, end = issued.person, until(issued.expires_at, now())
    say(f"{person.name} is {person.role}. This link signs in once, and expires {end}:")
    say(url)
