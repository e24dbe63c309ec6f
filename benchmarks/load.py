"""A client that costs little beside what it measures: raw HTTP/1.1 on kept connections."""

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Load:
    """What came of a load: the answers by status, each one's latency, and the whole time."""

    statuses: dict[int, int]
    latencies_ms: list[float]
    taken_s: float

    @property
    def per_second(self) -> float:
        return len(self.latencies_ms) / self.taken_s


def request(path: str, body: bytes, authorization: str) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {authorization}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def drive(port: int, requests: Iterator[bytes], connections: int) -> Load:
    """Send all requests, each connection one after the other."""
    return asyncio.run(_drive(port, requests, connections))


async def _drive(port: int, requests: Iterator[bytes], connections: int) -> Load:
    statuses: dict[int, int] = {}
    latencies_ms: list[float] = []

    def note(status: int, latency_ms: float) -> None:
        statuses[status] = statuses.get(status, 0) + 1
        latencies_ms.append(latency_ms)

    begin = time.perf_counter()
    await asyncio.gather(*(_connection(port, requests, note) for _ in range(connections)))
    return Load(statuses, latencies_ms, time.perf_counter() - begin)


async def _connection(
    port: int, requests: Iterator[bytes], note: Callable[[int, float], None]
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for each in requests:
        begin = time.perf_counter()
        writer.write(each)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
        await reader.readexactly(length)
        note(int(head[9:12]), 1000 * (time.perf_counter() - begin))
    writer.close()
    await writer.wait_closed()


def cpu_of(pid: int) -> float:
    """CPU that a process has used, in s, to a hundredth."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND
