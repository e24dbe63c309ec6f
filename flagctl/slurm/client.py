"""What the service asks of Slurm, as typed calls; each fails in one of two ways.

`SlurmTroubleError`: there is no answer. `SlurmRefusedError`: Slurm said no.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Final

from flagctl.domain.cluster import Association, Cluster, Controller, Partition, Qos
from flagctl.slurm.messages import Hello, Reply
from flagctl.slurm.supervisor import UNREACHABLE_ERRNOS, Call, Supervisor
from flagctl.slurm.trouble import SlurmRefusedError, SlurmTroubleError
from flagctl.vocabulary import ProbeError

SLURM_KIND: Final = "slurm"
DEFAULT_PATH: Final = "/usr/local/bin:/usr/bin:/bin"
"""A job has no environment but the one that it is given."""


Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchJob:
    """A job as it is submitted: held. `script` is the site's; values go into `environment`."""

    name: str
    account: str
    qos: str
    partition: str
    time_limit_minutes: int
    cpus: int
    memory_mib: int
    working_directory: str
    standard_output: str
    standard_error: str
    script: str
    environment: Mapping[str, str]

    def description(self) -> dict[str, Any]:
        """Return it in pyslurm's names (`JobSubmitDescription`)."""
        return {
            "name": self.name,
            "account": self.account,
            "qos": self.qos,
            "partitions": [self.partition],
            "time_limit": self.time_limit_minutes,
            "cpus_per_task": self.cpus,
            "memory_per_node": f"{self.memory_mib}M",
            "working_directory": self.working_directory,
            "standard_output": self.standard_output,
            "standard_error": self.standard_error,
            "script": self.script,
            "environment": {"PATH": DEFAULT_PATH, **self.environment},
        }


@dataclass(frozen=True, slots=True)
class Job:
    """A job that Slurm knows. `held`: it waits for its release by us."""

    job_id: int
    state: str
    held: bool
    reason: str | None


@dataclass(frozen=True, slots=True)
class ControlFacts:
    """What slurmctld said, and how long it took (ms)."""

    facts: Facts
    latency_ms: float


class SlurmClient:
    """Typed calls through the child of this process."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor

    @property
    def trouble(self) -> SlurmTroubleError | None:
        """Return why nothing is sent now; `None` when Slurm answers as far as is known."""
        return self._supervisor.open_because

    def control(self) -> ControlFacts:
        """Ask slurmctld; blocks this thread.

        Raises:
            SlurmTroubleError, SlurmRefusedError: it did not answer, or refused.

        """
        reply = self._supervisor.ask(Call("control", watches=True)).result()
        return ControlFacts(_ok(reply), reply.latency_ms)

    def accounting(self) -> ControlFacts:
        """Ask slurmdbd; blocks this thread. Its trouble is not slurmctld's.

        Raises:
            SlurmTroubleError, SlurmRefusedError: as `control`.

        """
        call = Call("accounting", watches=True, asks_slurmctld=False)
        reply = self._supervisor.ask(call).result()
        return ControlFacts(_ok(reply), reply.latency_ms)

    def hello(self) -> Hello:
        """Return who the child runs as; it answered before.

        Raises:
            SlurmTroubleError: it never started.

        """
        hello = self._supervisor.hello
        if hello is None:
            raise SlurmTroubleError(
                ProbeError.TOOLING_MISSING, "the child never started", was_sent=False
            )
        return hello

    async def submit(self, job: BatchJob, deadline_s: float | None = None) -> int:
        """Submit a job, held; return its number.

        All calls that work end by `deadline_s` (`time.monotonic()`), and by their own anyway.

        Raises:
            SlurmTroubleError: no answer; unless it was never sent, the job may be there or come.
            SlurmRefusedError: Slurm does not take it.

        """
        return int((await self._work("submit", deadline_s, job=job.description()))["job_id"])

    async def find(
        self, name: str, since_s: int, deadline_s: float | None = None
    ) -> tuple[Job, ...]:
        """Return the jobs of this name, also those that ended after `since_s` (epoch seconds).

        Raises:
            SlurmTroubleError, SlurmRefusedError: nobody knows whether there are any.

        """
        answer = await self._work("find", deadline_s, name=name, since=since_s)
        return tuple(_job(each) for each in answer["jobs"])

    async def release(self, job_id: int, name: str, deadline_s: float | None = None) -> Job | None:
        """Let a held job run; return it as it is then. `None`: there is no such job.

        Raises:
            SlurmTroubleError, SlurmRefusedError: it may be held still.

        """
        answer = await self._work("release", deadline_s, job_id=job_id, name=name)
        return _job_or_none(answer["job"])

    async def cancel(self, job_id: int, name: str, deadline_s: float | None = None) -> Job | None:
        """Cancel a job if it is held; return it as it was. `None`: there is no such job.

        Raises:
            SlurmTroubleError, SlurmRefusedError: it may be there still.

        """
        answer = await self._work("cancel", deadline_s, job_id=job_id, name=name)
        return _job_or_none(answer["job"])

    async def _work(self, op: str, deadline_s: float | None, **args: Any) -> Facts:
        future: Future[Reply] = self._supervisor.ask(Call(op, args), deadline_s)
        return _ok(await asyncio.wrap_future(future))


def _ok(reply: Reply) -> Facts:
    if reply.ok is not None:
        return reply.ok
    error = reply.error
    assert error is not None  # noqa: S101 - a reply has one of the two
    if error.kind != SLURM_KIND:
        raise SlurmTroubleError(ProbeError.MISCONFIGURED, error.text, was_sent=reply.was_sent)
    if error.errno in UNREACHABLE_ERRNOS:
        raise SlurmTroubleError(ProbeError.UNREACHABLE, error.text, was_sent=reply.was_sent)
    raise SlurmRefusedError(error.text, error.errno, was_sent=reply.was_sent)


def cluster_from(control: Facts, accounting: Facts, hello: Hello) -> Cluster:
    """Return the cluster that the two answers describe.

    Raises:
        SlurmTroubleError: they do not; the child is of another version than this service.

    """
    try:
        return _cluster(control, accounting, hello)
    except (KeyError, TypeError) as error:
        why = f"the child's answers are not whole ({error!r}): is it of another version?"
        raise SlurmTroubleError(ProbeError.MISCONFIGURED, why, was_sent=False) from error


def _cluster(control: Facts, accounting: Facts, hello: Hello) -> Cluster:
    return Cluster(
        name=control["cluster"],
        version=control["version"],
        pyslurm=hello.pyslurm,
        user=hello.user,
        groups=hello.groups,
        controllers=tuple(Controller(**each) for each in control["controllers"]),
        partitions={each["name"]: _partition(each) for each in control["partitions"]},
        qos={each["name"]: Qos(**each) for each in accounting["qos"]},
        associations=tuple(_association(each) for each in accounting["associations"]),
    )


def _partition(facts: Facts) -> Partition:
    return Partition(
        name=facts["name"],
        state=facts["state"],
        max_minutes=facts["max_minutes"],
        allowed_accounts=_names_or_all(facts["allowed_accounts"]),
        denied_accounts=frozenset(facts["denied_accounts"] or ()),
        allowed_qos=_names_or_all(facts["allowed_qos"]),
        denied_qos=frozenset(facts["denied_qos"] or ()),
        allowed_groups=_names_or_all(facts["allowed_groups"]),
        qos=facts["qos"],
        root_only=facts["root_only"],
    )


def _names_or_all(names: list[str] | None) -> frozenset[str] | None:
    return None if names is None else frozenset(names)


def _association(facts: Facts) -> Association:
    return Association(
        account=facts["account"],
        partition=facts["partition"],
        qos=frozenset(facts["qos"]),
        max_wall_minutes=facts["max_wall_minutes"],
        ancestors=tuple(facts["ancestors"]),
    )


def _job_or_none(facts: Facts | None) -> Job | None:
    return None if facts is None else _job(facts)


def _job(facts: Facts) -> Job:
    return Job(**facts)
