"""How long an event loop is kept from running, seen by what wants to run every millisecond."""

import asyncio
import time
from collections.abc import Callable

from benchmarks.measure import Result, summary

TICK_S = 0.001


class Gaps:
    """How late each tick of a loop came (ms)."""

    def __init__(self) -> None:
        self.late_ms: list[float] = []

    @classmethod
    async def during(cls, work: Callable[[], object]) -> "Gaps":
        """Watch this loop while `work` runs in a thread."""
        gaps = cls()
        watch = asyncio.create_task(gaps.watch())
        await asyncio.to_thread(work)
        watch.cancel()
        return gaps

    async def watch(self) -> None:
        """Tick until it is cancelled."""
        while True:
            begin = time.perf_counter()
            await asyncio.sleep(TICK_S)
            self.late_ms.append(1000 * (time.perf_counter() - begin - TICK_S))

    def result(self, name: str) -> Result:
        return summary(name, self.late_ms, "ms", f"at most {max(self.late_ms):.1f} ms")
