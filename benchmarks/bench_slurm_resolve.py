"""What a resolution costs in `real-policy`, beside `stub-policy` and a `scontrol ping` each.

The adapter is the whole one, its report left out; the cluster is real and looked at meanwhile.
The subprocess's figure is its own CPU, started by a shell in the cluster's namespaces.
"""

import resource
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from benchmarks.measure import Result, summary
from flagctl.adapter import SlurmAdapter
from flagctl.adapter.policy_file import PolicyFile
from flagctl.adapter.sample_policy import SAMPLE
from flagctl.settings import Settings
from flagctl.slurm import child
from flagctl.slurm.connection import SlurmConnection
from flagctl.slurm.snapshot import LiveCluster
from flagctl.store.files import DataFiles
from flagctl.store.migrate import upgrade
from flagctl.store.mode_reader import ModeReader
from flagctl.vocabulary import LADDER, Mode
from tests.slurm.cluster.running import Cluster
from tests.slurm.cluster.tree import cache_in_use
from tests.waiting import wait_until

ROUNDS = 60
CALLS = 1000
PINGS = 20
TOP, STUB = LADDER[-1], LADDER[-2]
IDS = {"trace_id": "0" * 32, "tenant_id": "tenant-a", "workspace_id": "w", "job_id": "j"}


def run() -> list[Result]:
    with (
        Cluster(cache_in_use()) as cluster,
        watched(cluster) as live,
        tempfile.TemporaryDirectory(dir=".") as folder,
    ):
        files = DataFiles(Path(folder).absolute())
        upgrade(files)
        return compared(cluster, adapter(files, STUB, live), adapter(files, TOP, live))


@contextmanager
def watched(cluster: Cluster) -> Iterator[LiveCluster]:
    """The cluster as a runtime process sees it."""
    argv = tuple(cluster.child_argv(Path(child.__file__)))
    connection = SlurmConnection.from_settings(Settings(slurm_child=argv))
    connection.start()
    try:
        wait_until(lambda: connection.live.snapshot)
        yield connection.live
    finally:
        connection.stop()


def adapter(files: DataFiles, mode: Mode, live: LiveCluster) -> SlurmAdapter:
    return SlurmAdapter(
        reader=ModeReader(files.directory, mode),
        policy=PolicyFile(SAMPLE),
        cluster=live,
        report=lambda _resolution: None,
    )


def compared(cluster: Cluster, stub: SlurmAdapter, real: SlurmAdapter) -> list[Result]:
    assert stub.resolve("standard", **IDS).adapter == STUB
    assert real.resolve("standard", **IDS).adapter == TOP
    found: dict[str, list[float]] = {STUB: [], TOP: [], "ping": []}
    for number in range(ROUNDS):
        found[STUB].append(cpu_us(lambda: stub.resolve("standard", **IDS)))
        found[TOP].append(cpu_us(lambda: real.resolve("standard", **IDS)))
        if number % (ROUNDS // 4) == 0:
            found["ping"].append(cpu_of_ping_us(cluster))
    times = median(found[TOP]) / median(found[STUB])
    cheaper = median(found["ping"]) / median(found[TOP])
    return [
        summary(f"resolution in {STUB}, CPU", found[STUB], "µs", f"mean of {CALLS} per sample"),
        summary(f"resolution in {TOP}, CPU", found[TOP], "µs", f"{times:.2f} times {STUB}"),
        summary("one scontrol ping, CPU", found["ping"], "µs", f"{cheaper:,.0f} times {TOP}"),
    ]


def cpu_us(work: Callable[[], object]) -> float:
    """The CPU of this thread for one call; the watching thread's is not counted."""
    begin = time.thread_time_ns()
    for _ in range(CALLS):
        work()
    return (time.thread_time_ns() - begin) / CALLS / 1000


def cpu_of_ping_us(cluster: Cluster) -> float:
    loop = f"for i in $(seq {PINGS}); do scontrol ping >/dev/null; done"
    before = cpu_of_children_s()
    subprocess.run(cluster.inside("sh", "-c", loop), check=True)
    return 1e6 * (cpu_of_children_s() - before) / PINGS


def cpu_of_children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
