"""What a process has of Slurm: one child, the calls through it, and the cluster as it is seen.

The service and an embedded adapter make theirs from the same settings. Nothing runs before
`start`, so that one is made before a fork and used after it.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Self

from flagctl.domain.boundary import SlurmAdapterBoundaryStub
from flagctl.domain.preflight import Sighting
from flagctl.ending import end_with
from flagctl.settings import Settings
from flagctl.slurm.child_keeper import ChildKeeper
from flagctl.slurm.client import SlurmClient
from flagctl.slurm.snapshot import LiveCluster
from flagctl.slurm.supervisor import Supervisor

CHILD_FILE: Final = Path(__file__).with_name("child.py")

NO_PYSLURM: Final = (
    "this Python has no pyslurm. Install the extra flagctl[slurm], or point FLAGCTL_SLURM_CHILD "
    "at the Python that has it"
)
_STOP_WITHIN_S: Final = 1.0
"""A call that hangs ends at its own deadline; nobody who stops waits for that."""


def own_argv() -> tuple[str, ...]:
    """Return how the child is started when no setting says so: in this very Python."""
    return (sys.executable, str(CHILD_FILE))


def no_pyslurm() -> str | None:
    """Return why no child can run in this Python; found out without importing anything."""
    return None if find_spec("pyslurm") else NO_PYSLURM


class SlurmConnection:
    """The connection of one process to Slurm. `client` works on it, `live` watches it."""

    def __init__(self, supervisor: Supervisor, live: LiveCluster) -> None:
        self._supervisor = supervisor
        self.client = SlurmClient(supervisor)
        self.live = live

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Return the connection that the settings describe, not started.

        Without `FLAGCTL_SLURM_CHILD` a Python that has no pyslurm is no trouble worth a log line
        or a process: it is what the preconditions say.
        """
        argv = settings.slurm_child
        keeper = ChildKeeper(argv) if argv else ChildKeeper(own_argv(), obstacle=no_pyslurm)
        supervisor = Supervisor(keeper, call_timeout_s=settings.slurm_call_timeout_s)
        live = LiveCluster(
            SlurmClient(supervisor),
            max_age_s=settings.slurm_snapshot_max_age_s,
            is_expected=argv is not None,
        )
        return cls(supervisor, live)

    def start(self) -> None:
        """Begin to watch the cluster; returns at once."""
        self.live.start()

    def stop(self) -> None:
        """End the child and the watching; returns within seconds, also when Slurm hangs."""
        self.live.stop(_STOP_WITHIN_S)
        self._supervisor.close(_STOP_WITHIN_S)


class OwnConnection:
    """The connection of whichever process asks: begun with its first use, anew after a fork.

    For an adapter in somebody else's service, which may be made before workers are forked. It
    ends with this object or with the process.
    """

    def __init__(self, settings: Settings) -> None:
        self._running = _Running(lambda: _begun(settings))
        end_with(self, self._running.stop)

    def require_honoured(self, boundary: SlurmAdapterBoundaryStub) -> None:
        """Return if the live cluster honours the boundary's mapping; waits for nothing.

        Raises:
            SlurmRealAdapterPreconditionError: it does not.
            SlurmUnavailableError: it was not seen lately, or not yet.

        """
        self._running.connection().live.require_honoured(boundary)

    def sighting(self) -> Sighting:
        """Return how the last look went."""
        return self._running.connection().live.sighting

    def stop(self) -> None:
        """End it; a later use begins anew."""
        self._running.stop()


class _InProcess:
    """What one process has: a fork leaves a lock behind that nobody may ever let go of."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.connection: SlurmConnection | None = None


class _Running:
    """The connection of this process while it runs; knows nothing of who owns it."""

    def __init__(self, begin: Callable[[], SlurmConnection]) -> None:
        self._begin = begin
        self._by_pid: dict[int, _InProcess] = {}

    def connection(self) -> SlurmConnection:
        """Return it, begun if it is not."""
        here = self._by_pid.setdefault(os.getpid(), _InProcess())
        running = here.connection
        if running is not None:
            return running
        with here.lock:
            if here.connection is None:
                here.connection = self._begin()
            return here.connection

    def stop(self) -> None:
        """End it, if it runs in this process."""
        here = self._by_pid.pop(os.getpid(), None)
        if here is not None and here.connection is not None:
            here.connection.stop()


def _begun(settings: Settings) -> SlurmConnection:
    connection = SlurmConnection.from_settings(settings)
    connection.start()
    return connection
