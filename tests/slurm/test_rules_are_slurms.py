"""The rules of `domain.cluster`, tried on a real Slurm: what they object to never runs there."""

import pytest

from flagctl.slurm.client import BatchJob, SlurmClient
from flagctl.slurm.trouble import SlurmRefusedError
from tests.slurm.cluster.running import Cluster
from tests.slurm.conftest import REAL_CHILD, supervised
from tests.slurm.jobs import batch_job, ends, found, run
from tests.slurm.mappings import CASES, Case

pytestmark = pytest.mark.slurm

REFUSED = "refused"


def longest_job(case: Case) -> BatchJob:
    """A job that asks for all that the mapping allows."""
    asked = case.mapping
    return batch_job(
        partition=asked.partition,
        account=asked.account,
        qos=asked.qos,
        time_limit_minutes=asked.max_walltime_minutes,
    )


def submit(client: SlurmClient, job: BatchJob) -> str:
    """Submit and release it; return its name, or that Slurm refused it."""
    try:
        number = run(client.submit(job))
    except SlurmRefusedError:
        return REFUSED
    run(client.release(number, job.name))
    return job.name


@pytest.fixture(scope="module")
def states(cluster: Cluster) -> dict[str, str]:
    """What became of each case's job, once a job submitted after all of them has ended."""
    with supervised(cluster.child_argv(REAL_CHILD)) as supervisor:
        client = SlurmClient(supervisor)
        names = {title: submit(client, longest_job(case)) for title, case in CASES.items()}
        for title, case in CASES.items():
            if case.objection is None:
                ends(client, names[title])
        ends(client, submit(client, batch_job()))
        return {
            title: name if name == REFUSED else found(client, name)[0].state
            for title, name in names.items()
        }


@pytest.mark.parametrize("title", CASES)
def test_a_job_as_long_as_the_mapping_allows_runs_exactly_when_nothing_is_objected(
    states: dict[str, str], title: str
) -> None:
    if CASES[title].objection is None:
        assert states[title] == "COMPLETED"
    else:
        assert states[title] in (REFUSED, "PENDING")
