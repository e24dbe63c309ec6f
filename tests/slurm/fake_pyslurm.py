"""A made-up pyslurm with the few names that the child uses, over a `World`."""

from __future__ import annotations

import pwd
import signal
from itertools import pairwise
from os import getuid
from types import SimpleNamespace as Thing
from typing import Any, Final

from tests.slurm.world import State, World

INFINITE: Final = 0xFFFFFFFF
UNREACHABLE, BAD_PARTITION, BAD_QOS, BAD_ACCOUNT, BAD_JOB = 1800, 2000, 2066, 2045, 2017
WORDS: Final = {
    UNREACHABLE: "Unable to contact slurm controller (connect failure)",
    BAD_PARTITION: "Invalid partition name specified",
    BAD_QOS: "Invalid qos specification",
    BAD_ACCOUNT: "Invalid account or account/partition combination specified",
    BAD_JOB: "Invalid job id specified",
}


class RPCError(Exception):
    """Slurm's no."""

    def __init__(self, errno: int, text: str | None = None) -> None:
        super().__init__(text or WORDS[errno])
        self.errno = errno


def hang() -> None:
    """Do nothing for ever; only a signal ends this process."""
    while True:
        signal.pause()


class FakePyslurm:
    """What `import pyslurm` gives to the child."""

    RPCError = RPCError

    def __init__(self, world: World) -> None:
        self.world = world
        self.__version__ = world.state()["pyslurm"]
        self.slurmctld = Thing(ping=self._ping, Config=Thing(load=self._config))
        self.Partitions = Thing(
            load=lambda: _by_name(self._facts("control")["partitions"], _partition)
        )
        self.JobSubmitDescription = lambda **values: Thing(submit=lambda: self._submit(values))
        self.Jobs = Thing(load=self._live_jobs)
        self.Job = _JobFace(self)
        self.db = Thing(
            Connection=Thing(open=lambda: None),
            AssociationFilter=Thing,
            Associations=Thing(load=self._associations),
            JobFilter=Thing,
            Jobs=Thing(load=self._recorded_jobs),
        )

    def get_controllers(self) -> list[str]:
        return [each["host"] for each in self._facts("control")["controllers"]]

    def qos(self) -> Any:
        if self.world.state()["faults"].get("slurmdbd"):
            raise ValueError("Connection refused", 111)  # this older class knows no RPCError
        return Thing(
            get=lambda: {each["name"]: _qos(each) for each in self._facts("accounting")["qos"]}
        )

    def _facts(self, part: str) -> State:
        facts: State = self.world.state()[part]
        return facts

    def _ping(self, index: int) -> Any:
        strike = self.world.strikes("ping")
        if strike == "hang":
            hang()
        if strike == "unauthenticated":
            raise RPCError(1007, "Protocol authentication error")
        controllers = self._facts("control")["controllers"]
        if strike == "dead" or index >= len(controllers) or not controllers[index]["answers"]:
            raise RPCError(UNREACHABLE)
        return Thing(hostname=controllers[index]["host"])

    def _config(self) -> Any:
        facts = self._facts("control")
        return Thing(version=facts["version"], cluster_name=facts["cluster"])

    def _connect(self) -> None:
        strike = self.world.strikes("slurmdbd")
        if strike == "hang":
            hang()
        if strike == "dead":
            raise RPCError(-1, "Failed to get Association data from slurmdbd")

    def _associations(self, wanted: Any = None, db_connection: Any = None) -> dict[int, Any]:
        self._connect()
        found = self._facts("accounting")["associations"]
        rows = [_association(each) for each in found]
        if wanted is None:
            chains = [[each["account"], *each["ancestors"]] for each in found]
            links = {pair for chain in chains for pair in pairwise(chain)}
            rows += [Thing(account=a, parent_account=b, user=None) for a, b in sorted(links)]
        return dict(enumerate(rows))

    def _submit(self, job: State) -> int:
        if not job["script"].startswith("#!"):
            raise ValueError("Not a valid Batch script.")
        state = self.world.state()
        if "refuse" in state:
            raise RPCError(state.get("refuse_errno", BAD_QOS), state["refuse"])
        partitions = {each["name"] for each in self._facts("control")["partitions"]}
        usable = {
            each["account"]: each["qos"] for each in self._facts("accounting")["associations"]
        }
        known = {each["name"] for each in self._facts("accounting")["qos"]}
        if job["partitions"][0] not in partitions:
            raise RPCError(BAD_PARTITION)
        if job["account"] not in usable:
            raise RPCError(BAD_ACCOUNT)
        if job["qos"] not in known or job["qos"] not in usable[job["account"]]:
            raise RPCError(BAD_QOS)
        is_late = self.world.strikes("landing") == "late"
        with self.world.changing() as state:
            number = len(state["jobs"]) + 1
            new = {**job, "job_id": number, "state": "PENDING", "purged": False}
            state["late" if is_late else "jobs"].append(new)
        if is_late:
            hang()
        return number

    def _live_jobs(self) -> dict[int, Any]:
        return {each["job_id"]: _job(each) for each in self.world.jobs() if not each["purged"]}

    def _recorded_jobs(self, wanted: Any) -> dict[int, Any]:
        self._connect()
        ids = getattr(wanted, "ids", None)
        return {
            each["job_id"]: _job(each)
            for each in self.world.jobs()
            if each["name"] in wanted.names
            and (ids is None or each["job_id"] in ids)
            # slurmdbd does not hear of a job before it may run.
            and each["priority"] != 0
        }


class _JobFace:
    """`pyslurm.Job`: a class to call, with a `load` of its own."""

    def __init__(self, api: FakePyslurm) -> None:
        self._api = api

    def load(self, number: int) -> Any:
        jobs = self._api._live_jobs()
        if number not in jobs:
            raise RPCError(BAD_JOB)
        return jobs[number]

    def __call__(self, number: int) -> Any:
        return Thing(
            release=lambda: self._release(number),
            cancel=lambda: self._set(number, state="CANCELLED"),
        )

    def _release(self, number: int) -> None:
        with self._api.world.changing() as state:
            for each in state["jobs"]:
                if each["job_id"] == number and _is_held(each):
                    each.update(priority=1, state="COMPLETED")
                    state["started"].append(number)

    def _set(self, number: int, **changes: Any) -> None:
        with self._api.world.changing() as state:
            for each in state["jobs"]:
                if each["job_id"] == number:
                    each.update(changes)


def _by_name(facts: list[State], make: Any) -> dict[str, Any]:
    return {each["name"]: make(each) for each in facts}


def _partition(facts: State) -> Any:
    lists = ("allowed_accounts", "denied_accounts", "allowed_qos", "denied_qos", "allowed_groups")
    listed = {name: facts[name] or ["ALL"] for name in lists}
    return Thing(
        **listed,
        name=facts["name"],
        state=facts["state"],
        max_time=facts["max_minutes"] or "UNLIMITED",
        qos=facts["qos"],
        is_root_only=facts["root_only"],
    )


def _qos(facts: State) -> State:
    flags = 4 * facts["exceeds_partition_time"] + 0x80 * facts["overrides_partition_qos"]
    return {"max_wall_pj": facts["max_wall_minutes"] or INFINITE, "flags": flags}


def _association(facts: State) -> Any:
    return Thing(
        account=facts["account"],
        partition=facts["partition"],
        qos=facts["qos"],
        user=pwd.getpwuid(getuid()).pw_name,
        parent_account=None,
        max_wall_time_per_job=facts["max_wall_minutes"] or "UNLIMITED",
    )


def _is_held(facts: State) -> bool:
    return bool(facts["state"] == "PENDING" and facts["priority"] == 0)


def _job(facts: State) -> Any:
    held = _is_held(facts)
    return Thing(
        id=facts["job_id"],
        name=facts["name"],
        user_id=getuid(),
        state=facts["state"],
        priority=facts["priority"],
        state_reason="JobHeldUser" if held else "None",
    )
