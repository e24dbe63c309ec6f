"""The real runtime, and in its event loop something that writes down when it is kept from running.

`python -m benchmarks.watched_runtime FD FILE`: each line of the file is a time (`time.monotonic()`)
and by how many ms a tick came late.
"""

import asyncio
import socket
import sys
import time
from typing import Any

import uvicorn

from benchmarks.gaps import TICK_S
from flagctl import logs
from flagctl.settings import load_settings
from flagctl.wiring import runtime_app

WORTH_MS = 5.0


async def watch(path: str) -> None:
    with open(path, "a", buffering=1, encoding="ascii") as lines:  # noqa: ASYNC230, PTH123
        while True:
            begin = time.monotonic()
            await asyncio.sleep(TICK_S)
            late_ms = 1000 * (time.monotonic() - begin - TICK_S)
            if late_ms > WORTH_MS:
                lines.write(f"{begin} {late_ms:.2f}\n")


def main(descriptor: str, path: str) -> None:
    logs.configure()
    app = runtime_app(load_settings())
    tasks: list[asyncio.Task[None]] = []

    async def watched(scope: Any, receive: Any, send: Any) -> None:
        if not tasks:
            tasks.append(asyncio.create_task(watch(path)))
        await app(scope, receive, send)

    config = uvicorn.Config(
        watched, log_config=None, access_log=False, lifespan="on", timeout_keep_alive=600
    )
    with socket.socket(fileno=int(descriptor)) as listening:
        uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main(*sys.argv[1:])
