"""Serves the real runtime in a process of its own, which may be told where to die.

`python -m tests.runtime.serve FD [FAULT]`: the socket is bound by the test and passed on.
"""

import asyncio
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import uvicorn

from flagctl import logs
from flagctl.dispatch.ports import Dispatcher
from flagctl.domain.submission import Order
from flagctl.runtime.app import create
from flagctl.runtime.services import Services
from flagctl.settings import load_settings
from flagctl.vocabulary import DispatcherName
from flagctl.wiring import runtime_services
from tests.slurm.kill_points import KILL_POINTS, die
from tests.waiting import wait_until

WAIT = "TEST_WAIT_S"
"""How long a request waits for another one with its key; a busy machine needs long."""

HOLD = "HOLD"
"""While this file lies in the data directory, `held-in-dispatch` hands nothing over."""


class Faulty:
    """A dispatcher with something before and after what it does."""

    name = DispatcherName.SPOOL

    def __init__(
        self,
        inner: Dispatcher,
        before: Callable[[], object] = lambda: None,
        after: Callable[[], object] = lambda: None,
    ) -> None:
        self._inner = inner
        self._before = before
        self._after = after
        self.check = inner.check
        self.close = inner.close

    async def dispatch(self, order: Order) -> None:
        await asyncio.to_thread(self._before)
        await self._inner.dispatch(order)
        self._after()


def replace_spool(services: Services, **faults: Callable[[], object]) -> None:
    by_name: Any = services.dispatchers.by_name
    by_name[DispatcherName.SPOOL] = Faulty(by_name[DispatcherName.SPOOL], **faults)


def die_before_dispatch(services: Services) -> None:
    replace_spool(services, before=die)


def die_before_the_file_has_its_name(_services: Services) -> None:
    os.link = die  # type: ignore[assignment]


def die_after_dispatch(services: Services) -> None:
    replace_spool(services, after=die)


def die_after_the_answer_is_recorded(services: Services) -> None:
    complete: Any = services.store.complete

    async def complete_and_die(*arguments: Any) -> NoReturn:
        await complete(*arguments)
        die()

    vars(services.store)["complete"] = complete_and_die


def hold_in_dispatch(services: Services) -> None:
    hold = Path(os.environ["FLAGCTL_DATA_DIR"]) / HOLD
    replace_spool(services, before=lambda: wait_until(lambda: not hold.exists()))


FAULTS: dict[str, Callable[[Services], None]] = {
    "none": lambda _services: None,
    "before-dispatch": die_before_dispatch,
    "before-the-file-has-its-name": die_before_the_file_has_its_name,
    "after-dispatch": die_after_dispatch,
    "after-the-answer-is-recorded": die_after_the_answer_is_recorded,
    "held-in-dispatch": hold_in_dispatch,
    **KILL_POINTS,
}


def main(descriptor: str, fault: str = "none") -> None:
    logs.configure()
    services = runtime_services(load_settings())
    vars(services.submissions)["_wait_s"] = float(os.environ[WAIT])
    FAULTS[fault](services)
    config = uvicorn.Config(
        create(services), log_config=None, access_log=False, timeout_graceful_shutdown=5
    )
    with socket.socket(fileno=int(descriptor)) as listening:
        uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main(*sys.argv[1:])
