"""What the service is like while slurmctld is frozen (SIGSTOP), beside what it usually is.

Two runtime processes and the admin web on one data directory and a real Slurm: one is pinned to
`real-policy`, one to `stub-policy`. Each client waits for its answer before it asks again.
"""

import json
import os
import shlex
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from benchmarks.bench_submissions import COMMAND, token
from benchmarks.bench_web import Web, percentiles, quantile_95, serving, timed_ms
from benchmarks.measure import Result, summary
from flagctl.adapter.sample_policy import SAMPLE
from flagctl.domain.change import Actor, EndRollback, RollBack
from flagctl.errors import FlagctlError
from flagctl.runtime.jobs import PATH
from flagctl.slurm.connection import CHILD_FILE
from flagctl.store.facts import gather_facts
from flagctl.store.files import DataFiles
from flagctl.store.migrate import upgrade
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import LADDER, Door, Mode, Role
from tests.slurm.cluster.running import Cluster
from tests.slurm.cluster.tree import cache_in_use
from tests.waiting import wait_until

TURNS, ROUNDS = 4, 200
REAL_ROUNDS = 40
TOP, STUB = LADDER[-1], LADDER[-2]
ADMIN = Actor("os:bench", Role.ADMIN, Door.CLI)


@dataclass
class Runtime:
    """A runtime process pinned to a mode, and one connection to it."""

    http: HTTPConnection
    secret: str
    gaps_file: Path
    keys: Iterator[int] = field(default_factory=lambda: iter(range(10**9)))

    def submit(self, key: str | None = None) -> tuple[int, str]:
        """Submit a job; return status and code."""
        key = key or f"{time.monotonic_ns()}-{next(self.keys)}"
        body = json.dumps({**COMMAND, "idempotency_key": key, "resource_shape": SMALL})
        headers = {"Authorization": f"Bearer {self.secret}", "Content-Type": "application/json"}
        self.http.request("POST", PATH, body, headers)
        answer = self.http.getresponse()
        found: dict[str, Any] = json.loads(answer.read())
        return answer.status, found.get("code", "")

    def is_ready(self) -> bool:
        self.http.request("GET", "/api/ready")
        answer = self.http.getresponse()
        answer.read()
        return answer.status == 200

    def gaps_ms(self, begin_s: float) -> list[float]:
        """Every tick of its event loop that came late since then."""
        lines = [line.split() for line in self.gaps_file.read_text(encoding="ascii").splitlines()]
        return [float(late) for when, late in lines if float(when) >= begin_s] or [0.0]


SMALL = {"cpu": 1, "memory_mib": 50, "walltime_seconds": 60}


@dataclass
class Scene:
    """Everything that runs."""

    cluster: Cluster
    real: Runtime
    stub: Runtime
    web: Web
    store: ControlStore
    revision: int = 0

    def flip_ms(self) -> tuple[float, float]:
        """Roll back; return how long the commit took, and until the real runtime is ready."""
        begin = time.perf_counter()
        facts = gather_facts(self.web.files, datetime.now(UTC))
        receipt = self.store.apply(RollBack(STUB, "bench"), ADMIN, facts)
        committed_ms = 1000 * (time.perf_counter() - begin)
        wait_until(self.real.is_ready)
        self.revision = receipt.revision
        return committed_ms, 1000 * (time.perf_counter() - begin)

    def end(self) -> None:
        facts = gather_facts(self.web.files, datetime.now(UTC))
        change = EndRollback("bench", no_follow_up="bench", revision=self.revision)
        self.store.apply(change, ADMIN, facts)


@dataclass
class Times:
    """Latencies (ms) of the first page and of submissions in stub-policy, in turn."""

    home: list[float] = field(default_factory=list)
    stub: list[float] = field(default_factory=list)

    def take(self, scene: Scene) -> None:
        scene.web.connection.close()  # the server has closed an idle one by now
        for _ in range(ROUNDS):
            self.home.append(timed_ms(lambda: scene.web.ask("/")))
            self.stub.append(timed_ms(lambda: accepted(scene.stub)))


def run() -> list[Result]:
    with tempfile.TemporaryDirectory(dir=".") as folder, ExitStack() as stack:
        files = DataFiles(Path(folder).absolute() / "data")
        upgrade(files)
        cluster = stack.enter_context(Cluster(cache_in_use()))
        argv, secret = cluster.child_argv(CHILD_FILE), token(files)
        real, stub = (
            stack.enter_context(runtime(files, argv, secret, mode)) for mode in (TOP, STUB)
        )
        web = stack.enter_context(serving(files, 0))
        store = ControlStore(files, lambda: datetime.now(UTC))
        wait_until(real.is_ready)
        wait_until(stub.is_ready)
        return measured(Scene(cluster, real, stub, web, store))


@contextmanager
def runtime(files: DataFiles, argv: list[str], secret: str, mode: Mode) -> Iterator[Runtime]:
    gaps_file = files.directory.parent / f"gaps-{mode}"
    gaps_file.touch()
    own = {
        "FLAGCTL_DATA_DIR": str(files.directory),
        "FLAGCTL_SLURM_CHILD": shlex.join(argv),
        "FLAGCTL_SLURM_WORK_DIR": "/srv/jobs",
        "FLAGCTL_SPOOL_MAX_FILES": "1000000",
        "ZPE_SLURM_POLICY_PATH": str(SAMPLE),
        "ZPE_SLURM_ADAPTER": mode,
    }
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port, descriptor = listening.getsockname()[1], listening.fileno()
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.watched_runtime", str(descriptor), str(gaps_file)],
            env={**os.environ, **own},
            pass_fds=(descriptor,),
            stderr=subprocess.DEVNULL,
        )
    try:
        yield Runtime(HTTPConnection("127.0.0.1", port, timeout=60), secret, gaps_file)
    finally:
        process.terminate()
        process.wait()


def measured(scene: Scene) -> list[Result]:
    for _ in range(20):
        assert scene.stub.submit()[0] == 202
        assert scene.real.submit()[0] == 202
    flips = [scene.flip_ms()]
    wait_until(lambda: ended(scene))
    usual, frozen = Times(), Times()
    late_usually: list[float] = []
    late_frozen: list[float] = []
    for _ in range(TURNS):
        begin_s = time.monotonic()
        usual.take(scene)
        late_usually += scene.real.gaps_ms(begin_s)
        begin_s = time.monotonic()
        with scene.cluster.frozen("slurmctld"):
            frozen.take(scene)
            late_frozen += scene.real.gaps_ms(begin_s)
        wait_until(scene.real.is_ready)
    return [
        *beside("admin home", usual.home, frozen.home),
        *beside("submission in stub-policy", usual.stub, frozen.stub),
        *outage(scene),
        lateness("usually", late_usually),
        lateness("slurmctld frozen", late_frozen),
        *rolled_back(scene, flips),
    ]


def lateness(when: str, late_ms: list[float]) -> Result:
    return summary(f"event loop late, {when}", late_ms, "ms", f"at most {max(late_ms):.1f} ms")


def outage(scene: Scene) -> list[Result]:
    """Freeze slurmctld; how the first and the later submissions end, and how all recovers."""
    key = f"late-{time.monotonic_ns()}"
    with scene.cluster.frozen("slurmctld"):
        first_ms = timed_ms(lambda: refused(scene.real, key))
        open_ms = [timed_ms(lambda: refused(scene.real)) for _ in range(REAL_ROUNDS)]
    recovery_ms = timed_ms(lambda: wait_until(lambda: scene.real.submit(key)[0] == 202))
    most = f"at most {max(open_ms):.1f} ms"
    return [
        summary("submission in real-policy, the first", [first_ms], "ms", "503, deadline 5 s"),
        summary("submission in real-policy, circuit open", open_ms, "ms", most),
        summary("accepted again after SIGCONT", [recovery_ms], "ms", "the first one, tried again"),
    ]


def refused(real: Runtime, key: str | None = None) -> None:
    found = real.submit(key)
    assert found == (503, "execution_unavailable"), found


def accepted(stub: Runtime) -> None:
    found = stub.submit()
    assert found[0] == 202, found


def beside(name: str, usual: list[float], frozen: list[float]) -> Iterator[Result]:
    times = quantile_95(frozen) / quantile_95(usual)
    yield percentiles(f"{name}, usually", usual)
    result = percentiles(f"{name}, slurmctld frozen", frozen)
    yield replace(result, note=f"{result.note}, {times:.2f} times the usual")


def ended(scene: Scene) -> bool:
    """End the rollback, once the process has seen a Slurm that lets it."""
    try:
        scene.end()
    except FlagctlError:
        return False
    return True


def rolled_back(scene: Scene, usual: list[tuple[float, float]]) -> Iterator[Result]:
    with scene.cluster.frozen("slurmctld"):
        wait_until(lambda: not scene.real.is_ready())
        frozen = scene.flip_ms()
    for what, flips in (("usually", usual[0]), ("slurmctld frozen", frozen)):
        yield summary(f"rollback committed, {what}", [flips[0]], "ms")
        yield summary(f"rollback until ready, {what}", [flips[1]], "ms")
