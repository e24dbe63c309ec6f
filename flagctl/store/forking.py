"""What must hold still while the process forks.

A child that opened a database whose connection it inherited would believe that it holds locks
that only its parent has. So connections are closed before the fork and opened again after it.
"""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet


class Suspendable(Protocol):
    """Something that can hold still for a moment."""

    def suspend(self) -> None: ...

    def resume(self) -> None: ...


_everybody: WeakSet[Suspendable] = WeakSet()
_suspended: list[Suspendable] = []


def suspend_over_fork(one: Suspendable) -> None:
    """Suspend it before each fork of this process, and resume it on both sides after."""
    _everybody.add(one)


def everybody() -> list[Suspendable]:
    """Return all that is to hold still, also while other threads make more of it.

    An error here would let the process fork with nothing suspended.
    """
    while True:
        try:
            return list(_everybody)
        except RuntimeError:  # the set changed meanwhile
            continue


def _before() -> None:
    for each in everybody():
        each.suspend()
        _suspended.append(each)


def _after() -> None:
    while _suspended:
        _suspended.pop().resume()


os.register_at_fork(before=_before, after_in_parent=_after, after_in_child=_after)
