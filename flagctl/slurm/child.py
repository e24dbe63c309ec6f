"""The one process that holds pyslurm (architecture, decision 8).

It may run in another Python, root or container than the service: so it imports the standard
library and pyslurm only, in the syntax of Python 3.9. `flagctl.slurm.messages` is the other end.

libslurm holds the interpreter's lock while it waits for a daemon, for minutes if need be. So no
thread in here could watch over a call: the kernel does, by a timer and by the parent's death.
"""

from __future__ import annotations

import ctypes
import errno
import grp
import json
import os
import pwd
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

PROTOCOL, NO_PYSLURM_STATUS = 1, 69
IMPORT_TIMEOUT_S, GRACE_S = 60.0, 2.0  # the latter beyond a call's own deadline
NO_LIMIT, EVERYBODY = "UNLIMITED", "ALL"
INVALID_JOB_ID, PR_SET_PDEATHSIG = 2017, 1
QOS_FLAG_PARTITION_TIME_LIMIT, QOS_FLAG_OVER_PARTITION_QOS = 0x04, 0x80
PARENTS_MAX_AGE_S = 60.0
MUNGE_SOCKET, MUNGE_FOLDER = "/run/munge/munge.socket.2", Path("/etc/munge")
LARGEST_LIMIT = 0xFFFFFFF0  # NO_VAL and INFINITE lie above it

Facts = dict[str, Any]


def main() -> int:
    """Answer requests until standard input ends."""
    replies = private_output()
    die_with_parent()
    end_after(IMPORT_TIMEOUT_S)
    try:
        slurm = Slurm()
    except ImportError as error:
        sys.stderr.write(f"{error}\n")
        return NO_PYSLURM_STATUS
    send(replies, {"v": PROTOCOL, "hello": slurm.hello()})
    end_after(None)
    for line in sys.stdin.buffer:
        request = json.loads(line)
        end_after(request["deadline_s"] + GRACE_S)
        notice = {"v": PROTOCOL, "id": request["id"], "sending": True}
        slurm.announce = partial(send, replies, notice)
        reply = answer(slurm, request["op"], request["args"])
        end_after(None)
        send(replies, {"v": PROTOCOL, "id": request["id"], **reply})
    return 0


def private_output() -> BinaryIO:
    """Keep standard output for replies; whatever a library prints goes to standard error."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return replies


def die_with_parent() -> None:
    """Have the kernel end this process when the thread that started it ends."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def end_after(seconds: float | None) -> None:
    """Have the kernel end this process unless this is called again in time."""
    signal.setitimer(signal.ITIMER_REAL, seconds or 0.0)


def warn_of_munge() -> None:
    """Write that munge is away, to be shown if the call fails: libslurm says so after 49 s."""
    # A socket of another type is refused as such where somebody listens, who hears nothing of it.
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:
        found = probe.connect_ex(MUNGE_SOCKET)
    if found != errno.EPROTOTYPE and MUNGE_FOLDER.exists():
        sys.stderr.write(f"munge does not listen at {MUNGE_SOCKET}: {os.strerror(found)}\n")


def send(replies: BinaryIO, message: Facts) -> None:
    """Write one line."""
    replies.write(json.dumps(message, separators=(",", ":")).encode() + b"\n")
    replies.flush()


def answer(slurm: Slurm, op: str, args: Facts) -> Facts:
    """Do what is asked; every failure becomes an answer with Slurm's own words."""
    begin = time.perf_counter()
    try:
        result: Facts = {"ok": getattr(slurm, op)(**args)}
    except slurm.refusal as error:
        result = {"error": {"kind": "slurm", "errno": error.errno, "text": str(error)}}
    except Exception as error:  # the service has to hear of it
        text = f"{type(error).__name__}: {error}"
        result = {"error": {"kind": "internal", "errno": None, "text": text}}
    result["ms"] = round((time.perf_counter() - begin) * 1000, 3)
    return result


class Slurm:
    """The few things that the service asks Slurm for."""

    def __init__(self) -> None:
        # Not at the top: it may hang, or end the process with the reason on standard error.
        import pyslurm

        self.api = pyslurm
        self.refusal = pyslurm.RPCError
        self.user = pwd.getpwuid(os.getuid())
        self.announce: Callable[[], None] = lambda: None
        self.parents: dict[str, str] = {}
        self.parents_read_again_at = 0.0

    def hello(self) -> Facts:
        """Say who runs here and with what: its user is the one who submits."""
        groups = map(_group_name, os.getgrouplist(self.user.pw_name, self.user.pw_gid))
        return {
            "pyslurm": self.api.__version__,
            "python": "{}.{}.{}".format(*sys.version_info),
            "user": self.user.pw_name,
            "groups": [name for name in groups if name],
        }

    def control(self) -> Facts:
        """Return what slurmctld knows: controllers, version and partitions."""
        self.require_controller()
        hosts = enumerate(self.api.get_controllers())
        config = self.api.slurmctld.Config.load()
        return {
            "controllers": [
                {"host": host, "answers": self.answers(index)} for index, host in hosts
            ],
            "version": config.version,
            "cluster": config.cluster_name,
            "partitions": [_partition_facts(each) for each in self.api.Partitions.load().values()],
        }

    def require_controller(self) -> None:
        """Fail at once, not after ten seconds, unless the primary or the first backup answers."""
        warn_of_munge()
        try:
            self.api.slurmctld.ping(0)
        except self.refusal:
            if not self.answers(1):
                raise

    def answers(self, index: int) -> bool:
        with suppress(self.refusal):
            self.api.slurmctld.ping(index)
            return True
        return False

    def accounting(self) -> Facts:
        """Return what slurmdbd knows: every QoS, and where this process's user may submit."""
        db = self.api.db
        connection = db.Connection.open()
        only_own = db.AssociationFilter(users=[self.user.pw_name])
        own = db.Associations.load(only_own, db_connection=connection)
        self.learn_parents(connection)
        return {
            # Only now: this older class fails without one of Slurm's own errors.
            "qos": [_qos_facts(name, facts) for name, facts in self.api.qos().get().items()],
            "associations": [self.association(each) for each in own.values()],
        }

    def association(self, association: Any) -> Facts:
        return {
            "account": association.account,
            "partition": association.partition,
            "qos": list(association.qos or ()),
            "max_wall_minutes": _limit(association.max_wall_time_per_job),
            "ancestors": self.ancestors(association.account),
        }

    def learn_parents(self, connection: Any) -> None:
        """Read the tree of accounts, seldom: with many users it is long, and it hardly changes."""
        if time.monotonic() < self.parents_read_again_at:
            return
        everybody = self.api.db.Associations.load(db_connection=connection)
        self.parents = {
            each.account: each.parent_account
            for each in everybody.values()
            if not each.user and each.parent_account
        }
        self.parents_read_again_at = time.monotonic() + PARENTS_MAX_AGE_S

    def ancestors(self, account: str) -> list[str]:
        """Return the accounts above this one, nearest first."""
        chain = [account]
        while (parent := self.parents.get(chain[-1])) is not None and parent not in chain:
            chain.append(parent)
        return chain[1:]

    def submit(self, job: Facts) -> Facts:
        """Submit a batch job, given in pyslurm's own names; it is held until it is released."""
        self.require_controller()
        description = self.api.JobSubmitDescription(**job, ntasks=1, priority=0)
        self.announce()
        return {"job_id": description.submit()}

    def find(self, name: str, since: int) -> Facts:
        """Return this user's jobs of a name: what slurmctld has, else what ended (epoch) since."""
        self.require_controller()
        found = [_job(each) for each in self.api.Jobs.load().values() if self.is_own(each, name)]
        return {"jobs": found or self.finished(names=[name], start_time=since)}

    def finished(self, **which: Any) -> list[Facts]:
        """Return this user's jobs that slurmdbd knows."""
        wanted = self.api.db.JobFilter(users=[self.user.pw_name], **which)
        return [
            {"job_id": each.id, "state": each.state, "held": False, "reason": None}
            for each in self.api.db.Jobs.load(wanted).values()
        ]

    def release(self, job_id: int, name: str) -> Facts:
        """Let a held job run; one that runs or ended already is left as it is."""
        job = self.own_job(job_id, name)
        if job and job["held"]:
            self.announce()
            self.api.Job(job_id).release()
            job["held"] = False
        return {"job": job}

    def cancel(self, job_id: int, name: str) -> Facts:
        """Cancel a job that is still held; one that may run is left as it is."""
        job = self.own_job(job_id, name)
        if job and job["held"]:
            self.api.Job(job_id).cancel()
        return {"job": job}

    def own_job(self, job_id: int, name: str) -> Facts | None:
        """Return the job with this number if it has this name: numbers are used again."""
        self.require_controller()
        try:
            job = self.api.Job.load(job_id)
        except self.refusal as error:
            if error.errno != INVALID_JOB_ID:
                raise
            return next(iter(self.finished(ids=[job_id], names=[name], start_time=1)), None)
        return _job(job) if self.is_own(job, name) else None

    def is_own(self, job: Any, name: str) -> bool:
        """Tell whether it has this name and is this user's: anybody may choose any name."""
        return bool(job.name == name and job.user_id == self.user.pw_uid)


def _group_name(gid: int) -> str | None:
    with suppress(KeyError):
        return grp.getgrgid(gid).gr_name
    return None


def _limit(minutes: Any) -> int | None:
    # None, UNLIMITED and INFINITE: one thing, said in three ways.
    return None if minutes in (None, NO_LIMIT) or minutes >= LARGEST_LIMIT else int(minutes)


def _listed(names: Any) -> list[str] | None:
    # pyslurm says ALL when there is no such list, also for what is denied.
    return None if not names or names == [EVERYBODY] else list(names)


def _partition_facts(partition: Any) -> Facts:
    lists = ("allowed_accounts", "denied_accounts", "allowed_qos", "denied_qos", "allowed_groups")
    return {
        "name": partition.name,
        "state": partition.state,
        "max_minutes": _limit(partition.max_time),
        "qos": partition.qos,
        "root_only": bool(partition.is_root_only),
        **{name: _listed(getattr(partition, name)) for name in lists},
    }


def _qos_facts(name: str, facts: Facts) -> Facts:
    return {
        "name": name,
        "max_wall_minutes": _limit(facts["max_wall_pj"]),
        "exceeds_partition_time": bool(facts["flags"] & QOS_FLAG_PARTITION_TIME_LIMIT),
        "overrides_partition_qos": bool(facts["flags"] & QOS_FLAG_OVER_PARTITION_QOS),
    }


def _job(job: Any) -> Facts:
    # What an administrator holds is not ours to release.
    held = job.state == "PENDING" and job.priority == 0 and job.state_reason != "JobHeldAdmin"
    return {"job_id": job.id, "state": job.state, "held": held, "reason": job.state_reason}


if __name__ == "__main__":
    sys.exit(main())
