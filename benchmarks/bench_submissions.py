"""Submissions through the real runtime on this machine, claim and spool fsync included.

The runtime is `flagctl runtime` with its log switched on; the client runs beside it. Where the
time goes is told by requests that come further and further, in CPU of the runtime's own.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.load import Load, cpu_of, drive, request
from benchmarks.measure import Result, summary
from flagctl import logs
from flagctl.adapter import SlurmAdapter
from flagctl.adapter.policy_file import PolicyFile
from flagctl.adapter.sample_policy import SAMPLE
from flagctl.domain.access import RuntimeScope
from flagctl.domain.change import Actor
from flagctl.runtime.jobs import PATH
from flagctl.store.files import DataFiles
from flagctl.store.migrate import upgrade
from flagctl.store.mode_reader import ModeReader
from flagctl.store.tokens import TokenRequest, issue_token
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Door, ResolutionOutcome, Role
from flagctl.watch import Tally

COUNT = 1500
ROUNDS = 3
CONNECTIONS = (1, 8, 32, 64)
ADMIN = Actor("os:bench", Role.ADMIN, Door.CLI)
TENANT = "tenant-a"


@dataclass(frozen=True)
class Runtime:
    """A runtime process (and its workers), and what its requests need."""

    process: subprocess.Popen[str]
    port: int
    authorization: str

    def cpu_s(self) -> float:
        pids = [self.process.pid, *children(self.process.pid)]
        return sum(map(cpu_of, pids))

    def measured(self, requests: list[bytes], connections: int) -> tuple[Load, float]:
        """The load, and the runtime's CPU in µs for each request."""
        before = self.cpu_s()
        load = drive(self.port, iter(requests), connections)
        return load, 1e6 * (self.cpu_s() - before) / len(requests)


def run() -> list[Result]:
    with tempfile.TemporaryDirectory(dir=".") as folder:
        files = DataFiles(Path(folder).absolute())
        upgrade(files)
        authorization = f"Bearer {token(files)}"
        with serving(files, authorization) as runtime:
            results = [*throughput(runtime, files), *stages(runtime, files)]
        with serving(files, authorization, workers=2) as runtime:
            results += throughput(runtime, files, (32,), "2 workers, ")
        return [*results, *reading_and_resolving(files, cpu_of_accepted(results))]


def token(files: DataFiles) -> str:
    store = ControlStore(files, lambda: datetime.now(UTC))
    return issue_token(store, TokenRequest("bench", scope=RuntimeScope(TENANT)), ADMIN).secret


@contextmanager
def serving(files: DataFiles, authorization: str, workers: int = 1) -> Iterator[Runtime]:
    command = [sys.executable, "-m", "flagctl", "runtime", "--port", "0", "--json"]
    environment = {
        **os.environ,
        "FLAGCTL_DATA_DIR": str(files.directory),
        "FLAGCTL_SPOOL_MAX_FILES": "1000000",
        "ZPE_SLURM_POLICY_PATH": str(SAMPLE),
    }
    process = subprocess.Popen(
        [*command, "--workers", str(workers)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    port = int(json.loads(process.stdout.readline())["url"].rpartition(":")[2])
    runtime = Runtime(process, port, authorization)
    try:
        drive(port, iter(submissions(runtime, 200)), 8)  # warm
        yield runtime
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def submissions(runtime: Runtime, count: int, **changes: Any) -> list[bytes]:
    """New submissions, each with a key of its own."""
    stamp = time.monotonic_ns()
    bodies = (
        {**COMMAND, "idempotency_key": f"{stamp}-{number}", **changes} for number in range(count)
    )
    return [request(PATH, json.dumps(body).encode(), runtime.authorization) for body in bodies]


COMMAND: dict[str, Any] = {
    "tenant_id": TENANT,
    "workspace_id": "workspace-1",
    "job_id": "job-1",
    "management_node_id": "node-1",
    "execution_profile": {"queue_name": "standard"},
    "resource_shape": {"cpu": 4, "memory_mib": 2048, "walltime_seconds": 3600},
    "payload_ref": {"input_uri": "s3://bucket/some/input"},
    "requested_by": {"user_id": "user-1", "session_id": "session-1"},
}


def throughput(
    runtime: Runtime,
    files: DataFiles,
    connections: tuple[int, ...] = CONNECTIONS,
    label: str = "",
) -> list[Result]:
    """Accepted submissions a second, at several numbers of connections, in turn."""
    loads: dict[int, list[Load]] = {count: [] for count in connections}
    for _ in range(ROUNDS):
        for count in connections:
            load, _ = runtime.measured(submissions(runtime, COUNT), count)
            assert load.statuses == {202: COUNT}, load.statuses
            loads[count].append(load)
            shutil.rmtree(files.spool)  # the management node took them
    results = []
    for count, found in loads.items():
        name = f"{label}{count} connection{'s' if count > 1 else ''}"
        rates = [load.per_second for load in found]
        results.append(summary(f"accepted, {name}", rates, "/s", "99th of three rounds"))
        latencies = [each for load in found for each in load.latencies_ms]
        results.append(summary(f"latency, {name}", latencies, "ms"))
    return results


ACCEPTED = "CPU of an accepted submission"


def stages(runtime: Runtime, files: DataFiles) -> list[Result]:
    """The runtime's CPU for requests that come further and further, in turn."""
    replayed = submissions(runtime, 1) * COUNT
    makers: dict[str, tuple[int, Callable[[], list[bytes]]]] = {
        "CPU of a 401: HTTP, one log line": (401, lambda: [unauthorized()] * COUNT),
        "CPU of a 403: and mode read, schema, tenancy": (403, lambda: foreign(runtime)),
        "CPU of a replay: and look-up": (202, lambda: replayed),
        ACCEPTED: (202, lambda: submissions(runtime, COUNT)),
    }
    samples: dict[str, list[float]] = {name: [] for name in makers}
    for _ in range(ROUNDS):
        for name, (status, make) in makers.items():
            load, cpu_us = runtime.measured(make(), 8)
            assert load.statuses == {status: COUNT}, (name, load.statuses)
            samples[name].append(cpu_us)
    shutil.rmtree(files.spool)
    return [summary(name, found, "µs", f"{COUNT} requests each") for name, found in samples.items()]


def unauthorized() -> bytes:
    return request(PATH, json.dumps(COMMAND).encode(), "Basic none")


def foreign(runtime: Runtime) -> list[bytes]:
    return submissions(runtime, COUNT, tenant_id="tenant-b")


def cpu_of_accepted(results: list[Result]) -> float:
    return next(each.median for each in results if each.name == ACCEPTED)


def reading_and_resolving(files: DataFiles, request_us: float) -> list[Result]:
    """CPU of the mode read and the resolution alone, as a share of a submission's."""
    reader, policy = ModeReader(files.directory), PolicyFile(SAMPLE)
    silent = SlurmAdapter(reader=reader, policy=policy, report=lambda _resolution: None)
    logging = SlurmAdapter(reader=reader, policy=policy)
    ids = {"trace_id": "0" * 32, "tenant_id": TENANT, "workspace_id": "w", "job_id": "j"}
    tally, effective, outcome = Tally(), reader.effective(), ResolutionOutcome.RESOLVED
    work: dict[str, Callable[[], object]] = {
        "CPU of reading the mode": reader.read,
        "CPU of reading and resolving": lambda: silent.resolve("standard", **ids),
        "CPU of counting a resolution": lambda: tally.count(effective, outcome),
        "CPU of reading, resolving, logging it": lambda: logging.resolve("standard", **ids),
    }
    results = []
    with Path(os.devnull).open("w") as nowhere:
        logs.configure(nowhere)
        for name, each in work.items():
            samples = [cpu_us(each) for _ in range(20)]
            share = 100 * summary(name, samples, "µs").median / request_us
            results.append(summary(name, samples, "µs", f"{share:.1f} % of a submission's"))
    reader.close()
    return results


def cpu_us(work: Callable[[], object], calls: int = 1000) -> float:
    begin = time.process_time_ns()
    for _ in range(calls):
        work()
    return (time.process_time_ns() - begin) / calls / 1000


def children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(word) for word in text.split()]
