"""`flagctl up`: everything at once on its embedded defaults, to look at and to develop with."""

from __future__ import annotations

import json as json_text
import shlex
import socket
import sys
import time
from dataclasses import dataclass
from typing import Annotated, Final

import typer

from flagctl.cli.desk import Desk, invoking_actor, sit_down
from flagctl.cli.exits import DONE
from flagctl.cli.options import Json
from flagctl.cli.reaching import reached
from flagctl.cli.say import complain, say, say_line
from flagctl.cli.serve import RUNTIME_PORT, WEB_PORT, Host
from flagctl.cli.sockets import bind, url_of
from flagctl.cli.supervise import Child, Supervisor
from flagctl.domain.access import RuntimeScope
from flagctl.settings import Settings, environment_for_child
from flagctl.vocabulary import EMERGENCY_MODE

TENANT: Final = "demo"
TOKEN_NAME: Final = "sample"  # noqa: S105 - a token's name
READY_WITHIN_S: Final = 30.0

WebPort = Annotated[int, typer.Option(min=0, max=65535, help="The port of the admin web.")]
RuntimePort = Annotated[int, typer.Option(min=0, max=65535, help="The port of the runtime.")]


@dataclass(frozen=True, slots=True)
class Start:
    """What a person needs to know to use what was started."""

    web: str
    runtime: str
    token: str
    sign_in: str | None
    """A link for the first administrator; `None` once one has a password."""

    @property
    def curl(self) -> str:
        """Return a line that submits a job; pasted again, it submits another one."""
        command = {
            "tenant_id": TENANT,
            "workspace_id": "w1",
            "job_id": "job-KEY",
            "idempotency_key": "KEY",
            "management_node_id": "node-1",
            "execution_profile": {"queue_name": "standard"},
            "resource_shape": {"cpu": 4, "memory_mib": 2048, "walltime_seconds": 3600},
            "payload_ref": {"input_uri": "s3://bucket/input.tar"},
            "requested_by": {"user_id": "you"},
        }
        # The shell puts a new key into each place between the quotes.
        body = json_text.dumps(command, separators=(",", ":")).replace("KEY", "'\"$KEY\"'")
        return (
            f"KEY=$(date +%s%N); curl -sS {self.runtime}/api/runtime/jobs:submit "
            f"-H 'Authorization: Bearer {self.token}' -H 'Content-Type: application/json' "
            f"-d '{body}'"
        )


def up(
    host: Host = "127.0.0.1",
    web_port: WebPort = WEB_PORT,
    runtime_port: RuntimePort = RUNTIME_PORT,
    json: Json = False,
) -> int:
    """Set everything up and run it, until Ctrl-C."""
    desk = sit_down(strict=True)
    web = bind(host, web_port, "--web-port")
    runtime = bind(host, runtime_port, "--runtime-port")
    token = _prepare(desk)
    start = Start(url_of(web), url_of(runtime), token, _first_sign_in(desk, url_of(web)))
    supervisor = Supervisor(_children(desk, start, web, runtime))
    if _come_up(supervisor, start):
        _announce(desk, start, as_json=json)
    supervisor.run()
    return DONE


def _prepare(desk: Desk) -> str:
    """Make what is missing and return the secret of a sample token.

    The token of an earlier start is revoked in the same act: its secret is stored nowhere, so it
    could not be printed again.
    """
    from flagctl.store.migrate import upgrade
    from flagctl.store.tokens import TokenRequest, issue_token

    upgrade(desk.files)
    wanted = TokenRequest(TOKEN_NAME, scope=RuntimeScope(TENANT), replace=True)
    return issue_token(desk.store(), wanted, invoking_actor()).secret


def _first_sign_in(desk: Desk, web: str) -> str | None:
    from flagctl.cli.first_admin import first_link

    issued = first_link(desk)
    return None if issued is None else f"{_public_url(desk, web)}/sign-in/{issued.secret}"


def _public_url(desk: Desk, web: str) -> str:
    """Return the address that people use: the one that was set, else where the web listens."""
    given = desk.settings.public_url
    return web if given == Settings().public_url else given


def _children(desk: Desk, start: Start, web: socket.socket, runtime: socket.socket) -> list[Child]:
    settings = desk.settings
    own: dict[str, str] = {}
    if settings.policy_path is None:
        own["ZPE_SLURM_POLICY_PATH"] = _sample_policy(desk)
    own["FLAGCTL_PUBLIC_URL"] = _public_url(desk, start.web)
    environment = environment_for_child(settings, **own)
    return [
        Child(part, [part, "--lifeline", "--fd", str(fd)], environment, (fd,))
        for part, fd in (("web", web.fileno()), ("runtime", runtime.fileno()))
    ]


def _sample_policy(desk: Desk) -> str:
    from flagctl.adapter.sample_policy import copy_sample_policy

    path = desk.files.directory / "policy.json"
    copy_sample_policy(path)
    return str(path.resolve())


def _come_up(supervisor: Supervisor, start: Start) -> bool:
    """Start the children; return whether both answered in time."""
    waiting = {f"{start.web}/healthz", f"{start.runtime}/api/health"}
    deadline_s = time.monotonic() + READY_WITHIN_S
    while supervisor.look() and waiting:
        waiting = {url for url in waiting if reached(url)}
        if time.monotonic() > deadline_s:
            complain(f"not answering yet: {', '.join(sorted(waiting))}; the lines above say why.")
            return True
        time.sleep(0.05)
    return not waiting


def _announce(desk: Desk, start: Start, *, as_json: bool) -> None:
    if as_json:
        told = {
            "web": start.web,
            "runtime": start.runtime,
            "token": start.token,
            "sign_in": start.sign_in,
        }
        say_line({**told, "curl": start.curl}, as_json=True)
        return
    say(f"flagctl is up on the data in {desk.files.directory.resolve()}; Ctrl-C stops it.")
    say(f"  admin web  {start.web}")
    say(f"  runtime    {start.runtime}")
    if start.sign_in:
        say()
        say("Nobody can sign in to the admin web yet. This link works once, for a day:")
        say()
        say(f"  {start.sign_in}")
    say()
    say("Submit a job (each paste is another one; its log line says which adapter answered):")
    say()
    say(start.curl)
    say()
    say("Then roll back in another terminal, submit again, and read the trail:")
    say()
    for line in _first_steps(desk):
        say(f"  {line}")
    sys.stdout.flush()


def _first_steps(desk: Desk) -> list[str]:
    flagctl = _own_name()
    if desk.settings.data_dir != Settings().data_dir:
        flagctl = f"FLAGCTL_DATA_DIR={shlex.quote(str(desk.files.directory.resolve()))} {flagctl}"
    return [
        f"{flagctl} rollback {EMERGENCY_MODE} --reason 'a first try' --expires 1h --wait 10s",
        f"{flagctl} status",
        f"{flagctl} audit list",
    ]


def _own_name() -> str:
    """Return how this command was called: it need not be on the PATH."""
    called = sys.argv[0]
    if called.endswith("__main__.py"):
        return f"{shlex.quote(sys.executable)} -m flagctl"
    return shlex.quote(called)
