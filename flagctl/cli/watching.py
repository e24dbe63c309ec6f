"""What the command line sees of other processes: what they registered, and who follows."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from flagctl.cli.desk import Desk, now
from flagctl.present.processes import followers

if TYPE_CHECKING:
    from flagctl.domain.gate import Facts
    from flagctl.domain.process import Heard
    from flagctl.present.records import ConvergenceRecord
    from flagctl.store.break_glass import BreakGlass

POLL_S: Final = 0.02


def heard_at(desk: Desk, at: datetime) -> Heard:
    """Return what the adapter processes of this data directory last said of themselves."""
    from flagctl.store.heard import listen

    return listen(desk.files, at)


def break_glass_at(desk: Desk) -> BreakGlass | None:
    """Return the break-glass file of the data directory, if there is one."""
    from flagctl.store.break_glass import look

    return look(desk.files.break_glass.absolute())


def wait_for_followers(
    desk: Desk, revision: int, committed_at: datetime | None, patience: timedelta
) -> ConvergenceRecord:
    """Look until all live processes are seen to follow `revision`, or until patience ends."""
    deadline_s = time.monotonic() + patience.total_seconds()
    while True:
        at = now()
        found = followers(heard_at(desk, at), revision, at, committed_at)
        if found.is_proven or time.monotonic() >= deadline_s:
            return found
        time.sleep(POLL_S)


def facts_at(desk: Desk) -> Facts:
    """Return what an act is decided from besides the flags."""
    from flagctl.store.facts import gather_facts

    return gather_facts(desk.files, now())
