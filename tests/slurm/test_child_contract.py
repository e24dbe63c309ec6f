"""What the child does for the service: the same cases over the scripted fake and the real Slurm."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from flagctl.slurm.client import SlurmClient, cluster_from
from flagctl.slurm.trouble import SlurmRefusedError, SlurmTroubleError
from tests.slurm.conftest import REAL_CHILD, fake_argv, supervised
from tests.slurm.jobs import batch_job, ends, found, new_name, run
from tests.slurm.world import World


@contextmanager
def fake_side(request: pytest.FixtureRequest) -> Iterator[SlurmClient]:
    world: World = request.getfixturevalue("world")
    with supervised(fake_argv(world)) as supervisor:
        yield SlurmClient(supervisor)


@contextmanager
def real_side(request: pytest.FixtureRequest) -> Iterator[SlurmClient]:
    cluster = request.getfixturevalue("cluster")
    with supervised(cluster.child_argv(REAL_CHILD)) as supervisor:
        yield SlurmClient(supervisor)


SIDES = [
    pytest.param(fake_side, id="fake"),
    pytest.param(real_side, id="real", marks=pytest.mark.slurm),
]


@pytest.fixture(params=SIDES)
def client(request: pytest.FixtureRequest) -> Iterator[SlurmClient]:
    with request.param(request) as made:
        yield made


def test_it_says_what_the_test_cluster_is(client: SlurmClient, world: World) -> None:
    facts = world.state()
    control, accounting = dict(client.control().facts), dict(client.accounting().facts)
    # A rebuilt tree may hold a newer patch; everything else is the cluster's own configuration.
    del control["version"], facts["control"]["version"]
    assert control == facts["control"]
    assert (
        sorted(accounting["associations"], key=lambda each: str(each["account"]))
        == (facts["accounting"]["associations"])
    )
    assert accounting["qos"] == facts["accounting"]["qos"]


def test_it_says_who_submits_and_with_which_pyslurm(client: SlurmClient) -> None:
    control, accounting = client.control(), client.accounting()
    cluster = cluster_from(control.facts, accounting.facts, client.hello())
    assert cluster.user
    assert cluster.groups
    assert cluster.pyslurm.split(".")[0] == cluster.version.split(".")[0]
    assert control.latency_ms > 0


def test_a_submitted_job_is_held_and_found_by_its_name(client: SlurmClient) -> None:
    job = batch_job()
    number = run(client.submit(job))
    (only,) = found(client, job.name)
    assert (only.job_id, only.state, only.held) == (number, "PENDING", True)


def test_a_released_job_runs_to_its_end(client: SlurmClient) -> None:
    job = batch_job()
    number = run(client.submit(job))
    released = run(client.release(number, job.name))
    assert released is not None
    assert not released.held
    assert ends(client, job.name).state == "COMPLETED"


def test_releasing_twice_changes_nothing(client: SlurmClient) -> None:
    job = batch_job()
    number = run(client.submit(job))
    run(client.release(number, job.name))
    assert ends(client, job.name).state == "COMPLETED"
    again = run(client.release(number, job.name))
    assert again is not None
    assert (again.state, again.held) == ("COMPLETED", False)


def test_a_held_job_is_cancelled(client: SlurmClient) -> None:
    job = batch_job()
    number = run(client.submit(job))
    cancelled = run(client.cancel(number, job.name))
    assert cancelled is not None
    assert cancelled.held
    assert all(each.state == "CANCELLED" for each in found(client, job.name))


def test_a_job_that_may_run_is_not_cancelled(client: SlurmClient) -> None:
    job = batch_job()
    number = run(client.submit(job))
    run(client.release(number, job.name))
    run(client.cancel(number, job.name))
    assert ends(client, job.name).state == "COMPLETED"


def test_a_number_under_another_name_is_not_ours(client: SlurmClient) -> None:
    job = batch_job()
    number = run(client.submit(job))
    assert run(client.release(number, new_name())) is None
    assert run(client.cancel(number, new_name())) is None
    (only,) = found(client, job.name)
    assert only.held


def test_a_number_that_was_never_given_is_no_job(client: SlurmClient) -> None:
    assert run(client.release(999_999, new_name())) is None
    assert run(client.cancel(999_999, new_name())) is None


def test_a_name_that_nobody_used_finds_nothing(client: SlurmClient) -> None:
    assert found(client, new_name()) == ()


def test_two_jobs_of_one_name_are_both_found(client: SlurmClient) -> None:
    job = batch_job()
    numbers = {run(client.submit(job)), run(client.submit(job))}
    assert {each.job_id for each in found(client, job.name)} == numbers


REFUSED = {
    "partition": ({"partition": "nowhere"}, "Invalid partition name specified"),
    "account": ({"account": "nobody"}, "Invalid account or account/partition combination"),
    "somebody else's account": ({"account": "chem-foreign"}, "Invalid account"),
    "QoS": ({"qos": "never"}, "Invalid qos specification"),
    "QoS of another account": ({"qos": "priority"}, "Invalid qos specification"),
}


@pytest.mark.parametrize(("changes", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_slurm_refuses_in_its_own_words(
    client: SlurmClient, changes: dict[str, str], words: str
) -> None:
    job = batch_job(**changes)
    with pytest.raises(SlurmRefusedError, match=words):
        run(client.submit(job))
    assert found(client, job.name) == ()


def test_a_script_without_an_interpreter_never_leaves_the_child(client: SlurmClient) -> None:
    with pytest.raises(SlurmTroubleError, match="Batch script"):
        run(client.submit(batch_job(script="true\n")))
