"""A look at a real Slurm with 500 partitions and 5,000 associations, generated.

250 of the associations are the service user's. Beside the looks an event loop counts how long it
was kept from running, as in a runtime process.
"""

import asyncio
import json
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.gaps import Gaps
from benchmarks.measure import Result, summary
from flagctl.slurm import child
from flagctl.slurm.child_keeper import ChildKeeper
from flagctl.slurm.client import SlurmClient
from flagctl.slurm.snapshot import LiveCluster
from flagctl.slurm.supervisor import Supervisor
from tests.slurm.cluster.running import FILES, Cluster
from tests.slurm.cluster.tree import cache_in_use

PARTITIONS = 500
ACCOUNTS, OTHER_USERS = 250, 19
ASSOCIATIONS = ACCOUNTS * (1 + OTHER_USERS)
LOOKS = 20
READINGS = 20
WITH_LOCK = "what a look keeps the loop from running for, whatever the load"


def run() -> list[Result]:
    with tempfile.TemporaryDirectory() as folder:
        files = generated(Path(folder, "etc"))
        with Cluster(cache_in_use(), files) as cluster, watching(cluster) as (supervisor, live):
            small_kb = memory_kb()
            sighting = live.look()
            found = sighting.cluster
            assert found is not None, sighting.trouble
            assert len(found.partitions) > PARTITIONS
            assert len(found.associations) >= ACCOUNTS
            return [*measured(live), *sizes(supervisor, memory_kb() - small_kb)]


def generated(files: Path) -> Path:
    """The files of the test cluster, with many more of both."""
    shutil.copytree(FILES, files)
    with (files / "slurm.conf").open("a", encoding="utf-8") as conf:
        for number in range(PARTITIONS):
            conf.write(f"PartitionName=part-{number:03} Nodes=node1 MaxTime={number + 10}\n")
    names = ",".join(f"account-{number:03}" for number in range(ACCOUNTS))
    users = ",".join(f"user-{number:02}" for number in range(OTHER_USERS))
    with (files / "accounts.txt").open("a", encoding="utf-8") as accounts:
        accounts.write(f"add account {names} Description=bench Organization=bench\n")
        accounts.write(f"add user flagctl,{users} Account={names}\n")
    return files


@contextmanager
def watching(cluster: Cluster) -> Iterator[tuple[Supervisor, LiveCluster]]:
    argv = cluster.child_argv(Path(child.__file__))
    supervisor = Supervisor(ChildKeeper(argv), call_timeout_s=30.0)
    try:
        yield supervisor, LiveCluster(SlurmClient(supervisor), max_age_s=15.0)
    finally:
        supervisor.close()


def measured(live: LiveCluster) -> list[Result]:
    looks_ms: list[float] = []
    gaps = asyncio.run(beside_looks(live, looks_ms))
    quiet = asyncio.run(Gaps.during(lambda: time.sleep(sum(looks_ms) / 1000)))
    return [
        summary(f"look at {PARTITIONS} partitions, {ASSOCIATIONS} associations", looks_ms, "ms"),
        gaps.result("event loop kept from running beside looks"),
        quiet.result("event loop kept from running beside nothing"),
    ]


async def beside_looks(live: LiveCluster, looks_ms: list[float]) -> Gaps:
    def look() -> None:
        for _ in range(LOOKS):
            begin = time.perf_counter()
            assert live.look().cluster is not None
            looks_ms.append(1000 * (time.perf_counter() - begin))
            threading.Event().wait(0.05)

    return await Gaps.during(look)


def sizes(supervisor: Supervisor, grown_kb: int) -> list[Result]:
    client = SlurmClient(supervisor)
    facts = [client.control().facts, client.accounting().facts]
    lines = [json.dumps(each, separators=(",", ":")) for each in facts]
    child_pid = supervisor.child_pid
    assert child_pid is not None
    return [
        summary("answers of the child, both", [sum(map(len, lines)) / 1000], "KB"),
        summary("CPU to read one, with the lock", [*map(cpu_to_read_ms, lines)], "ms", WITH_LOCK),
        summary("memory of the service for it", [grown_kb / 1024], "MiB", "resident, first look"),
        summary("memory of the child", [memory_kb(child_pid) / 1024], "MiB", "resident"),
    ]


def cpu_to_read_ms(line: str) -> float:
    """The CPU of the one step that lets no other thread run until it is done."""
    begin = time.thread_time()
    for _ in range(READINGS):
        json.loads(line)
    return 1000 * (time.thread_time() - begin) / READINGS


def memory_kb(pid: int | str = "self") -> int:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))
