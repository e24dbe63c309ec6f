"""Running a piece of a test in a process of its own that file permissions bind."""

import os
import pickle
import traceback
from collections.abc import Callable
from typing import TypeVar

NOBODY = 65534
T = TypeVar("T")


def as_nobody(work: Callable[[], T]) -> T:
    """Return what `work` returns in a forked child; root's powers are dropped there first."""
    into_parent, from_child = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            _send(from_child, work)
        finally:
            os._exit(0)
    os.close(from_child)
    with os.fdopen(into_parent, "rb") as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    done, result = pickle.loads(said)  # noqa: S301 - our own child wrote it
    assert done, result
    return result  # type: ignore[no-any-return]


def _send(descriptor: int, work: Callable[[], object]) -> None:
    try:
        _drop_privileges()
        said = (True, work())
    except BaseException:
        said = (False, traceback.format_exc())
    with os.fdopen(descriptor, "wb") as pipe:
        pickle.dump(said, pipe)


def _drop_privileges() -> None:
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
