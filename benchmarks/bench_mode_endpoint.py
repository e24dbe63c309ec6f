"""What reading the mode costs a request: a trivial endpoint with the read and without it.

Process sets of three, the plain endpoint among them twice: what its two copies differ by is the
noise that any other difference has to be held against. Throughput is that of rounds, one endpoint
after the other. The CPU that a read adds is counted by the server itself, request by request in
random order: between two rounds the machine's moods change by more than a read costs.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from statistics import fmean, median
from urllib.request import urlopen

from benchmarks.load import drive, request
from benchmarks.measure import Result, summary
from flagctl.store.files import DataFiles
from flagctl.store.migrate import upgrade

NAMES = ("plain", "twin", "read")
SETS = 6
ROUNDS = 80
COUNT = 450
"""About what is answered between two looks at the files, so that each round of the read pays for
one, as a steady load does. Longer rounds differ by the machine's moods."""
CONNECTIONS = 8
RANDOM_COUNT = 30_000

SERVER = """
import json, socket, sys
from pathlib import Path
from time import thread_time_ns
import uvicorn
from fastapi import FastAPI
from flagctl.store.mode_reader import ModeReader

reader = ModeReader(Path(sys.argv[1]))
apps = {path: FastAPI() for path in ("/plain", "/twin", "/read", "/spent")}
spent_ns = {path: [] for path in apps}

@apps["/plain"].post("/plain")
async def plain():
    return {"mode": "unknown"}

# Code of its own, as that with the read is.
@apps["/twin"].post("/twin")
async def twin():
    return {"mode": "unknown"}

@apps["/read"].post("/read")
async def read():
    reader.effective()
    return {"mode": "unknown"}

@apps["/spent"].get("/spent")
async def spent():
    told = {path.strip("/"): times.copy() for path, times in spent_ns.items()}
    for times in spent_ns.values():
        times.clear()
    return told

# An application each: a router tries its routes in turn, and the last would pay for the others.
async def app(scope, receive, send):
    path = scope.get("path", "/plain")
    begin_ns = thread_time_ns()
    await apps[path](scope, receive, send)
    spent_ns[path].append(thread_time_ns() - begin_ns)

listening = socket.create_server(("127.0.0.1", 0))
print(listening.getsockname()[1], flush=True)
config = uvicorn.Config(app, log_config=None, access_log=False)
uvicorn.Server(config).run(sockets=[listening])
"""


def run() -> list[Result]:
    rates: dict[str, list[float]] = {name: [] for name in NAMES}
    costs: dict[str, list[float]] = {name: [] for name in NAMES}
    alone: dict[str, list[float]] = {name: [] for name in NAMES}
    with tempfile.TemporaryDirectory(dir=".") as folder:
        upgrade(DataFiles(Path(folder).absolute()))
        for _ in range(SETS):
            with serving(folder) as (pid, port):
                for number in range(ROUNDS):
                    first = number % len(NAMES)  # each comes first as often as the others
                    for name in (*NAMES[first:], *NAMES[:first]):
                        rate, cost_us = measured(pid, port, name)
                        rates[name].append(rate)
                        costs[name].append(cost_us)
                for name, spent_us in in_random_order(port).items():
                    alone[name].append(spent_us)
    return [
        *told(rates, "requests", "/s"),
        *told(costs, "CPU of a request", "µs"),
        *(added(alone, name) for name in NAMES[1:]),
    ]


@contextmanager
def serving(folder: str) -> Iterator[tuple[int, int]]:
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER, folder], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    port = int(process.stdout.readline())
    try:
        for name in NAMES:
            measured(process.pid, port, name)  # warm
        yield process.pid, port
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def measured(pid: int, port: int, name: str) -> tuple[float, float]:
    """Requests a second, and the server's CPU for each in µs."""
    before = on_cpu_us(pid)
    load = drive(port, iter([request(f"/{name}", b"{}", "none")] * COUNT), CONNECTIONS)
    assert load.statuses == {200: COUNT}, load.statuses
    return load.per_second, (on_cpu_us(pid) - before) / COUNT


def on_cpu_us(pid: int) -> float:
    """Time on a CPU of the server's one thread, to the nanosecond."""
    return int(Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[0]) / 1000


def in_random_order(port: int) -> dict[str, float]:
    """The server's CPU for a request, in µs, in random order.

    A read in three requests: it pays for a look at the files three times as often as under a load
    of reads alone, so what it adds is an upper bound.
    """
    spent_ns(port)
    names = [name for name in NAMES for _ in range(RANDOM_COUNT // len(NAMES))]
    Random(0).shuffle(names)  # noqa: S311 - no secret
    load = drive(port, (request(f"/{name}", b"{}", "none") for name in names), CONNECTIONS)
    assert load.statuses == {200: len(names)}, load.statuses
    told = spent_ns(port)
    return {name: fmean(told[name]) / 1000 for name in NAMES}


def spent_ns(port: int) -> dict[str, list[int]]:
    """What each request took since this was asked last."""
    with urlopen(f"http://127.0.0.1:{port}/spent") as answer:
        told: dict[str, list[int]] = json.load(answer)
    return told


def added(costs: dict[str, list[float]], name: str) -> Result:
    """What a request costs more than the plain one of the same process; the twin's is the noise."""
    more = [one - plain for one, plain in zip(costs[name], costs["plain"], strict=True)]
    note = f"{median(costs['plain']):.0f} for the plain one; {RANDOM_COUNT // 3} each, a process"
    return summary(f"CPU added, {name}", more, "µs", note)


def told(samples: dict[str, list[float]], what: str, unit: str) -> list[Result]:
    """One line each; the ratio is the median over rounds of what ran side by side."""
    results = []
    for name, values in samples.items():
        pairs = zip(values, samples["plain"], strict=True)
        middle = median(one / plain for one, plain in pairs)
        note = f"{middle:.3f} of plain, median of {len(values)} rounds in {SETS} processes"
        results.append(summary(f"{what}, {name}", values, unit, note))
    return results
