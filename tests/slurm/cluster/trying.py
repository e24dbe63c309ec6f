"""`make slurm-run`: the whole of flagctl on a real Slurm, to try a cutover on one machine."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Never

from flagctl.adapter.sample_policy import copy_sample_policy
from flagctl.slurm.connection import CHILD_FILE
from flagctl.store.filesystem import prepare_directory
from flagctl.vocabulary import LADDER
from tests.slurm.cluster.running import Cluster
from tests.slurm.cluster.tree import CHECKOUT, cache_in_use

DATA_DIR: Final = CHECKOUT / "var" / "slurm-run"
"""Not that of `make run`: a mode that was raised here would be in force there without a Slurm."""

_TOP, _SAFE = LADDER[-1], LADDER[-2]
JOBS_DIR: Final = "/srv/jobs"
_HINTS: Final = """\
A real Slurm runs for this process and ends with it. In another terminal, as root:

  inside() {{ {inside} -- "$@"; }}
  export FLAGCTL_DATA_DIR={data}

  flagctl preflight                      # is this cluster ready?
  flagctl cutover {top} --owner "$USER" --reason "a first try" --expires 1d
                                         # then paste the curl line, and see the job
  inside squeue -o "%i %j %P %a %q %l %T"
  inside sacct -X -o JobID,JobName%50,Partition,Account,QOS,Timelimit,State

  kill -STOP {slurmctld}                        # an outage; kill -CONT {slurmctld} ends it
  inside scontrol update PartitionName=short State=DRAIN
  flagctl rollback {safe} --reason "Slurm hangs" --expires 1h --wait 10s

(`flagctl` is {flagctl}.)

"""


def become_flagctl_up(words: Sequence[str]) -> Never:
    """Start the cluster and become `flagctl up` on it.

    This very process is what people stop or kill: the cluster ends with it, however it ends.

    Raises:
        ClusterError: the cluster does not start.

    """
    cluster = Cluster(cache_in_use())
    cluster.start()
    cluster.outlive_exec()
    environment = environment_on(cluster, os.environ)
    flagctl = Path(sys.executable).with_name("flagctl")
    inside = shlex.join(cluster.inside(user="root")[:-1])
    sys.stderr.write(
        _HINTS.format(
            inside=inside,
            slurmctld=cluster.pid_of("slurmctld"),
            data=shlex.quote(environment["FLAGCTL_DATA_DIR"]),
            flagctl=flagctl,
            top=_TOP,
            safe=_SAFE,
        )
    )
    sys.stderr.flush()
    os.execve(flagctl, [str(flagctl), "up", *words], environment)  # noqa: S606 - no shell needed


def environment_on(cluster: Cluster, environ: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which flagctl uses this cluster; what is set there stays."""
    data = Path(environ.get("FLAGCTL_DATA_DIR") or DATA_DIR)
    policy = environ.get("ZPE_SLURM_POLICY_PATH")
    if not policy:
        prepare_directory(data)
        path = data / "policy.json"
        copy_sample_policy(path)
        policy = str(path)
    own = {
        "FLAGCTL_DATA_DIR": str(data),
        "FLAGCTL_ENVIRONMENT": "slurm-run",
        "FLAGCTL_SLURM_CHILD": shlex.join(cluster.child_argv(CHILD_FILE)),
        "FLAGCTL_SLURM_WORK_DIR": JOBS_DIR,
        "ZPE_SLURM_POLICY_PATH": policy,
    }
    return {**environ, **own}
