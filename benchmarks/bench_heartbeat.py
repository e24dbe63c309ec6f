"""64 adapter processes on one host: what their heartbeats cost, and what a flip pays for them.

Each process has the real watch with its thread and is idle otherwise, so all its CPU is the
watch's. It has no queue policy, as before a cutover, or one and something new to say of Slurm at
each look of its connection, which itself does not run here. Flips are timed in turn with and
without the processes running, because the machine has moods. Between the flips of the CPU figure
nothing is written: it is the price of being heard of.
"""

import multiprocessing
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from threading import Event

from benchmarks.measure import Result, interleaved, summary
from flagctl.adapter.policy_file import PolicyFile
from flagctl.adapter.sample_policy import SAMPLE
from flagctl.adapter.verdict import LiveVerdict
from flagctl.domain.change import Actor, EndRollback, RollBack
from flagctl.domain.gate import Facts
from flagctl.domain.impact import CountKey
from flagctl.domain.precondition import Precondition
from flagctl.domain.preflight import Sighting, Trouble
from flagctl.domain.process import convergence
from flagctl.slurm.snapshot import LOOK_INTERVAL_S
from flagctl.store.files import DataFiles
from flagctl.store.heard import heard_of
from flagctl.store.migrate import upgrade
from flagctl.store.mode_reader import ModeReader
from flagctl.store.runtime_db import ProcessRegistry
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import DEFAULT_MODE, Door, Mode, ProbeError, ResolutionOutcome, Role
from flagctl.watch import Watch
from flagctl.watch.thoughts import Judge

PROCESSES = 64
LOOK_INTERVAL = timedelta(seconds=LOOK_INTERVAL_S)
WINDOW_S = 60.0
"""As long as it takes until everything that an idle process does comes round again."""
SETTLED_AFTER_S = 12.0
"""Until then, what makes files in the data directory keeps the processes looking at all of it."""
ROUNDS = 3
FLIPS = 60
FLIP_EVERY_S = 0.05
ADMIN = Actor("os:bench", Role.ADMIN, Door.CLI)


def now() -> datetime:
    return datetime.now(UTC)


def run() -> list[Result]:
    with tempfile.TemporaryDirectory(dir=".") as directory:
        files = DataFiles(Path(directory).absolute())
        upgrade(files)
        return [
            *cost(files, without_policy, "all heartbeats together", "heartbeats of one process"),
            *cost(files, looking_at_slurm, "all, each with a policy", "one with a policy"),
            *carrying(files),
            *effect(files),
        ]


def without_policy() -> Judge:
    return LiveVerdict(None, None, "").judgement


def looking_at_slurm() -> Judge:
    """As a process judges that looks at a cluster: anew with each look."""
    policy = PolicyFile(SAMPLE)
    trouble = Trouble(Precondition.CONTROLLER, ProbeError.UNREACHABLE, "a benchmark")
    seen = Sighting(now(), trouble=trouble)

    def look() -> Sighting:
        nonlocal seen
        if seen.taken_at is None or now() - seen.taken_at > LOOK_INTERVAL:
            seen = Sighting(now(), trouble=trouble)
        return seen

    return LiveVerdict(policy, look, "").judgement


def cost(files: DataFiles, judging: Callable[[], Judge], together: str, one: str) -> list[Result]:
    """CPU of all watches together while nothing changes, in % of one core."""
    with herd(files, judging) as pipes:
        pause(SETTLED_AFTER_S)
        before = cpu_s(pipes)
        begin = time.monotonic()
        pause(WINDOW_S)
        taken_s = time.monotonic() - begin
        after = cpu_s(pipes)
        live = [each for each in heard_of(files) if each.is_live(now())]
        assert len(live) == PROCESSES
    each = [100 * (b - a) / taken_s for a, b in zip(before, after, strict=True)]
    note = f"{PROCESSES} processes over {WINDOW_S:g} s; heard of each 2 s"
    return [
        Result(together, sum(each), sum(each), "% of a core", 1, note),
        summary(one, each, "% of a core"),
    ]


def carrying(files: DataFiles) -> list[Result]:
    """What counts add to a heartbeat that goes on: of one outcome, and of all."""
    reader, registry = ModeReader(files.directory), ProcessRegistry(files)
    watch = Watch(files, reader, pin=None, clock=now)
    watch.register()
    watch.turn()
    every = [CountKey(0, DEFAULT_MODE, outcome, 0) for outcome in ResolutionOutcome]
    loads = {"no count": every[:0], "one count": every[:1], f"{len(every)} counts": every}
    found = interleaved(
        {
            f"heartbeat with {name}": partial(
                registry.still_here, watch.process_id, now(), dict.fromkeys(keys, 1)
            )
            for name, keys in loads.items()
        },
        rounds=1000,
    )
    watch.goodbye()
    registry.goodbye(watch.process_id)
    reader.close()
    return found


def effect(files: DataFiles) -> list[Result]:
    """How long a flip's commit takes with and without the processes, in turn."""
    alone: list[float] = []
    together: list[float] = []
    followed: list[float] = []
    for _ in range(ROUNDS):
        alone += flips(files)
        with herd(files):
            together += flips(files)
            followed.append(seconds_until_all_follow(files))
    ratio = median(together) / median(alone)
    return [
        summary("flip, no process running", alone, "ms"),
        summary(f"flip, {PROCESSES} processes running", together, "ms", f"{ratio:.2f} times alone"),
        summary("idle processes all follow after", followed, "s"),
    ]


def flips(files: DataFiles) -> list[float]:
    """The milliseconds of each flip through the write path, audit and fsync included."""
    store = ControlStore(files, now)
    taken = []
    for number in range(FLIPS):
        begin = time.perf_counter()
        receipt = store.apply(RollBack(Mode.PASSTHROUGH, f"bench {number}"), ADMIN, Facts())
        taken.append(1000 * (time.perf_counter() - begin))
        end = EndRollback("bench", no_follow_up="bench", revision=receipt.revision)
        store.apply(end, ADMIN, Facts())
        pause(FLIP_EVERY_S)
    return taken


def seconds_until_all_follow(files: DataFiles) -> float:
    store = ControlStore(files, now)
    begin = time.monotonic()
    revision = store.apply(RollBack(Mode.PASSTHROUGH, "bench"), ADMIN, Facts()).revision
    while len(convergence(heard_of(files), revision, now()).following) < PROCESSES:
        pause(0.01)
    taken_s = time.monotonic() - begin
    end = EndRollback("bench", no_follow_up="bench", revision=revision)
    store.apply(end, ADMIN, Facts())
    return taken_s


def pause(seconds: float) -> None:
    Event().wait(seconds)


@contextmanager
def herd(
    files: DataFiles, judging: Callable[[], Judge] = without_policy
) -> Iterator[list[Connection]]:
    """The processes, all heard of; forked, because 64 interpreters would not fit."""
    context = multiprocessing.get_context("fork")
    pipes: list[Connection] = []
    processes = []
    for _ in range(PROCESSES):
        ours, theirs = context.Pipe()
        processes.append(context.Process(target=adapter_process, args=(files, judging, theirs)))
        processes[-1].start()
        pipes.append(ours)
    try:
        deadline = now() + timedelta(seconds=60)
        while len([each for each in heard_of(files) if each.is_live(now())]) < PROCESSES:
            assert now() < deadline
            pause(0.05)
        pause(2)
        yield pipes
    finally:
        for pipe in pipes:
            pipe.send("stop")
        for process in processes:
            process.join()


def cpu_s(pipes: list[Connection]) -> list[float]:
    for pipe in pipes:
        pipe.send("cpu")
    return [pipe.recv() for pipe in pipes]


def adapter_process(files: DataFiles, judging: Callable[[], Judge], pipe: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    watch = Watch(files, ModeReader(files.directory), pin=None, clock=now, judge=judging())
    watch.start()
    while pipe.recv() == "cpu":
        pipe.send(time.process_time())
    watch.stop()
