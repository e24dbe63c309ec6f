"""A submission in the top mode, from the request to the job, over a made-up Slurm."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from flagctl.store.files import DataFiles
from flagctl.vocabulary import Mode
from tests.runtime.commands import PATH, command
from tests.runtime.conftest import MakeRuntime
from tests.runtime.tenants import bearer
from tests.runtime.test_bad_input import refused
from tests.slurm.conftest import fake_argv
from tests.slurm.world import World
from tests.waiting import wait_until

SHORT_S = 1.0


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World.create(tmp_path / "world.json")


@pytest.fixture
def real(make_runtime: MakeRuntime, token: str, world: World, tmp_path: Path) -> TestClient:
    """A runtime in the top mode that has seen its Slurm."""
    script = tmp_path / "site.sh"
    script.write_text("#!/bin/sh\nexec site-program\n")
    runtime = make_runtime(
        adapter_pin=Mode.REAL_POLICY,
        slurm_child=tuple(fake_argv(world)),
        slurm_batch_script=script,
        slurm_work_dir="/scratch/jobs",
        slurm_call_timeout_s=SHORT_S,
    )
    runtime.headers.update(bearer(token))
    wait_until(lambda: runtime.get("/api/ready").status_code == 200)
    return runtime


def test_a_submission_is_a_job_with_the_mapping_and_the_asked_shape(
    real: TestClient, world: World, files: DataFiles
) -> None:
    answer = real.post(PATH, json=command(resource_shape__walltime_seconds=3601))
    assert answer.status_code == 202
    (job,) = world.jobs()
    assert world.started() == [job["job_id"]]
    assert (job["partitions"], job["account"], job["qos"]) == (["short"], "chem-default", "normal")
    assert (job["time_limit"], job["cpus_per_task"]) == (61, 4)
    assert job["memory_per_node"] == "2048M"
    assert job["working_directory"] == "/scratch/jobs"
    assert job["standard_output"] == job["standard_error"] == "/scratch/jobs/flagctl-%j.out"
    assert job["script"] == "#!/bin/sh\nexec site-program\n"
    assert job["name"].endswith(answer.json()["submission_id"])
    assert not files.spool.exists() or not list(files.spool.iterdir())


def test_a_replay_is_the_first_answer_and_no_second_job(real: TestClient, world: World) -> None:
    first, again = (real.post(PATH, json=command()) for _ in range(2))
    assert (first.status_code, first.content) == (202, again.content)
    assert len(world.jobs()) == 1


def test_what_a_client_sends_reaches_the_environment_and_nothing_else(
    real: TestClient, world: World
) -> None:
    hostile = "$(touch gone); `id` 'q' \"q\" %j ..\\ ü"
    answer = real.post(
        PATH, json=command(job_id=hostile, tenant_id="tenant-a", requested_by__user_id=hostile)
    )
    assert answer.status_code == 202
    (job,) = world.jobs()
    environment = job.pop("environment")
    assert environment["FLAGCTL_JOB_ID"] == environment["FLAGCTL_USER_ID"] == hostile
    assert environment["FLAGCTL_INPUT_URI"] == "s3://bucket/input"
    assert environment["FLAGCTL_SUBMISSION_ID"] == answer.json()["submission_id"]
    assert "touch" not in str(job)
    assert "s3://" not in str(job)


def test_an_outage_of_slurm_is_503_with_retry_after_and_the_retry_runs_once(
    real: TestClient, world: World
) -> None:
    world.plan("ping", "dead")
    answer = real.post(PATH, json=command())
    told = refused(answer, 503, "execution_unavailable")["detail"]
    assert "last seen" in told
    assert int(answer.headers["Retry-After"]) > 0
    assert not world.jobs()
    world.mend()
    wait_until(lambda: real.post(PATH, json=command()).status_code == 202)
    assert len(world.started()) == 1


def test_no_answer_to_a_submission_is_in_doubt_and_what_lands_late_never_runs_twice(
    real: TestClient, world: World
) -> None:
    world.plan("landing", "late", times=1)
    refused(real.post(PATH, json=command()), 503, "execution_unavailable")
    (name,) = {job["name"] for job in world.state()["late"]}
    accepted = wait_until(lambda: _accepted(real))
    world.land()
    assert real.post(PATH, json=command()).content == accepted
    assert len(world.started()) == 1
    assert [job["state"] for job in world.jobs(name)] == ["COMPLETED", "PENDING"]
    wait_until(lambda: world.jobs(name)[1]["state"] == "CANCELLED")
    assert len(world.started()) == 1


def _accepted(real: TestClient) -> bytes | None:
    answer = real.post(PATH, json=command())
    return answer.content if answer.status_code == 202 else None


def test_slurms_refusal_is_a_fault_of_configuration_in_its_own_words(
    real: TestClient, world: World
) -> None:
    with world.changing() as state:
        # The service has seen the cluster a moment ago and does not know of it yet.
        state["refuse"] = "Invalid qos specification"
    answer = real.post(PATH, json=command())
    told = refused(answer, 503, "adapter_misconfigured")["detail"]
    assert "Invalid qos specification" in told
    assert "Retry-After" not in answer.headers
    with world.changing() as state:
        del state["refuse"]
    assert real.post(PATH, json=command()).status_code == 202
    assert len(world.started()) == 1


def test_a_walltime_that_slurm_would_let_pend_for_ever_is_caught(
    real: TestClient, world: World
) -> None:
    world.partition("short", max_minutes=90)
    wait_until(lambda: real.get("/api/ready").status_code == 503)
    answer = real.post(PATH, json=command(resource_shape__walltime_seconds=7200))
    assert "90 minutes" in refused(answer, 503, "adapter_misconfigured")["detail"]
    assert not world.jobs()
