"""The made-up Slurm behind the scripted fake child: a file that the test and the child share."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

FACTS: Final = Path(__file__).with_name("facts.json")
"""What the real test cluster said of itself; the fake begins with the same."""

State = dict[str, Any]


class World:
    """The state of a made-up Slurm: its facts, its jobs, and the faults that the test planned.

    A fault is planned for an operation of the child, or for `start`: `hang` (for ever, before
    anything happened), `hang-after` (it happened), `exit`, `garbage`, `dead` (slurmctld refuses
    connections), `no-slurmdbd`. `landing` may be `late`: a job arrives only when the test lets it,
    and whoever sent it hears nothing. `times` is how often it strikes; `None` is until it is
    removed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, path: Path) -> World:
        """Make a world as the real test cluster is."""
        world = cls(path)
        facts = json.loads(FACTS.read_text(encoding="utf-8"))
        path.write_text(
            json.dumps({**facts, "jobs": [], "faults": {}, "late": [], "started": []}),
            encoding="utf-8",
        )
        return world

    @contextmanager
    def changing(self) -> Iterator[State]:
        """Give the state to whoever changes it, alone."""
        with self.path.open("r+", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            state = json.load(file)
            yield state
            text = json.dumps(state)
            file.seek(0)
            file.write(text)
            file.truncate()

    def state(self) -> State:
        """Return the state as it is now."""
        with self.path.open(encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_SH)
            state: State = json.load(file)
            return state

    def plan(self, op: str, fault: str, times: int | None = None) -> None:
        """Let an operation fail from now on."""
        with self.changing() as state:
            state["faults"][op] = {"do": fault, "times": times, "struck": 0}

    def mend(self) -> None:
        """Take all faults away."""
        with self.changing() as state:
            state["faults"] = {}

    def has_struck(self, op: str) -> bool:
        """Tell whether the planned fault struck."""
        return bool(self.state()["faults"][op]["struck"])

    def strikes(self, op: str) -> str | None:
        """Return the fault that strikes this operation now, and count it."""
        with self.changing() as state:
            fault = state["faults"].get(op)
            if fault is None or fault["times"] == 0:
                return None
            if fault["times"] is not None:
                fault["times"] -= 1
            fault["struck"] += 1
            strike: str = fault["do"]
            return strike

    def partition(self, name: str, **changes: Any) -> None:
        """Change what is said of a partition."""
        with self.changing() as state:
            for each in state["control"]["partitions"]:
                if each["name"] == name:
                    each.update(changes)

    def land(self) -> None:
        """Let arrive what is on its way still."""
        with self.changing() as state:
            late, state["late"] = state["late"], []
            for job in late:
                state["jobs"].append({**job, "job_id": len(state["jobs"]) + 1})

    def started(self) -> list[int]:
        """Return the numbers of the jobs that ran, each as often as it was started."""
        numbers: list[int] = self.state()["started"]
        return numbers

    def jobs(self, name: str | None = None) -> list[State]:
        """Return all jobs, or those of one name."""
        return [each for each in self.state()["jobs"] if name in (None, each["name"])]
