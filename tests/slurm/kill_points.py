"""Where a runtime dies by `kill -9` while it gives a submission to Slurm.

Each point is put into the running service from outside: production code knows none of them.
"""

import os
import signal
from collections.abc import Callable
from typing import Any, NoReturn

from flagctl.runtime.services import Services
from flagctl.slurm import child_keeper
from flagctl.vocabulary import DispatcherName


def die(*_anything: object) -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("unreachable")


def dispatcher(services: Services) -> Any:
    return services.dispatchers.by_name[DispatcherName.SLURM]


def before(owner: Any, name: str) -> None:
    """Die when this is asked for."""
    vars(owner)[name] = die


def after(owner: Any, name: str) -> None:
    """Die when this is done."""
    work = getattr(owner, name)

    async def do_and_die(*arguments: Any) -> NoReturn:
        await work(*arguments)
        die()

    vars(owner)[name] = do_and_die


def at_a_line_about(op: str, *, is_notice: bool) -> None:
    """Die with a line of the child: its notice that something leaves now, or its answer."""
    keeper: Any = child_keeper
    asked: list[str] = []
    request_line, reply_from = keeper.request_line, keeper.reply_from

    def remember(number: int, name: str, *rest: Any) -> Any:
        asked.append(name)
        return request_line(number, name, *rest)

    def read(*arguments: Any, **options: Any) -> Any:
        reply = reply_from(*arguments, **options)
        if asked[-1] == op and (reply is None) == is_notice:
            die()
        return reply

    keeper.request_line, keeper.reply_from = remember, read


KILL_POINTS: dict[str, Callable[[Services], None]] = {
    "after-the-claim": lambda it: after(it.store, "claim"),
    "before-the-submission": lambda it: before(dispatcher(it)._client, "submit"),
    "as-the-submission-leaves": lambda _: at_a_line_about("submit", is_notice=True),
    "before-the-submission-is-heard-of": lambda _: at_a_line_about("submit", is_notice=False),
    "before-the-record": lambda it: before(dispatcher(it)._ledger, "record"),
    "after-the-record": lambda it: after(dispatcher(it)._ledger, "record"),
    "after-the-release-is-begun": lambda it: after(dispatcher(it)._ledger, "begin_release"),
    "as-the-release-leaves": lambda _: at_a_line_about("release", is_notice=True),
    "before-the-release-is-heard-of": lambda _: at_a_line_about("release", is_notice=False),
    "before-the-answer-is-recorded": lambda it: before(it.store, "complete"),
}
