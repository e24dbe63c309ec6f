"""`flagctl web` and `flagctl runtime`: one part each, for real deployments."""

from __future__ import annotations

import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

import typer

from flagctl.cli.exits import DONE, INTERNAL
from flagctl.cli.lifeline import hold_on
from flagctl.cli.options import Json
from flagctl.cli.say import complain, say_line
from flagctl.cli.sockets import bind, url_of
from flagctl.errors import UnavailableError
from flagctl.settings import load_settings
from flagctl.store.files import DataFiles

if TYPE_CHECKING:
    import uvicorn

WEB_PORT: Final = 8600
RUNTIME_PORT: Final = 8601
STOP_WITHIN_S: Final = 10
"""How long requests in flight may take after SIGTERM; the service manager waits longer."""

Host = Annotated[str, typer.Option(help="The address to listen on.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes any free one.")]
Workers = Annotated[int, typer.Option(min=1, help="How many processes answer requests.")]
Descriptor = Annotated[int | None, typer.Option("--fd", hidden=True)]
Lifeline = Annotated[bool, typer.Option("--lifeline", hidden=True)]


@dataclass(frozen=True, slots=True)
class Place:
    """Where and with how many processes to serve; `fd` is a bound socket that was inherited."""

    host: str
    port: int
    workers: int
    fd: int | None
    as_json: bool

    def bind(self) -> socket.socket:
        """Return the bound socket."""
        if self.fd is not None:
            return socket.socket(fileno=self.fd)
        return bind(self.host, self.port)


def command_of(part: str, default_port: int) -> Callable[..., int]:
    """Return the command that serves one part: `web` or `runtime`."""

    def serve(
        host: Host = "127.0.0.1",
        port: Port = default_port,
        workers: Workers = 1,
        fd: Descriptor = None,
        lifeline: Lifeline = False,
        json: Json = False,
    ) -> int:
        if lifeline:
            hold_on()
        return _serve(part, Place(host, port, workers, fd, json))

    return serve


def _serve(part: str, place: Place) -> int:
    # Settings first: what is wrong with them is said before the port is taken.
    settings = load_settings()
    bound = place.bind()
    _upgrade(DataFiles(settings.data_dir))
    config = _config(f"flagctl.wiring:{part}_server", place.workers)
    say_line({"part": part, "url": url_of(bound)}, as_json=place.as_json)
    try:
        started = _run(config, bound)
    except KeyboardInterrupt:
        return DONE
    except SystemExit as end:
        started = end.code in (None, DONE)
    if not started:
        complain(f"{part} did not start; its log says why.")
    return DONE if started else INTERNAL


def _upgrade(files: DataFiles) -> None:
    """Bring the store up to date; one that can't be used is said, and every answer says it too."""
    from flagctl.store.migrate import upgrade

    try:
        upgrade(files)
    except UnavailableError as error:
        complain(str(error))


def _config(factory: str, workers: int) -> uvicorn.Config:
    import uvicorn

    return uvicorn.Config(
        factory,
        factory=True,
        workers=workers,
        log_config=None,
        access_log=False,
        server_header=False,
        # Forwarded headers are believed from nobody: identity never comes from them.
        proxy_headers=False,
        timeout_graceful_shutdown=STOP_WITHIN_S,
    )


def _run(config: uvicorn.Config, bound: socket.socket) -> bool:
    """Serve until told to stop; return whether it ever started."""
    from uvicorn import Server
    from uvicorn.supervisors import Multiprocess

    if config.workers > 1:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(DONE))
        bound.set_inheritable(True)
        Multiprocess(config, sockets=[bound]).run()
        return True
    server = Server(config)
    _end_quietly(server)
    server.run(sockets=[bound])
    return server.started


def _end_quietly(server: uvicorn.Server) -> None:
    """Let a signal end the process, but not a second time once uvicorn has obeyed it.

    uvicorn raises the signal again when it has stopped serving; ending then, from inside the
    event loop, would cut the last tasks off and log them as faults.
    """

    def end(*_: object) -> None:
        if not server.should_exit:
            sys.exit(DONE)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
