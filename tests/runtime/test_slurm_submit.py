"""A submission in the top mode, from the request to the job, over a made-up Slurm."""

import shlex
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from flagctl.domain.change import EndRollback
from flagctl.domain.gate import Facts, SlurmVerdict
from flagctl.store.files import DataFiles
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Mode
from tests.runtime import tenants
from tests.runtime.commands import PATH, command
from tests.runtime.conftest import MakeRuntime, Serve
from tests.runtime.tenants import bearer
from tests.runtime.test_bad_input import refused
from tests.runtime.test_submit import spooled
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
    world.plan("slurmdbd", "dead")
    wait_until(lambda: "can't be found out" in _doubt(real))
    world.mend()
    accepted = wait_until(lambda: _accepted(real))
    world.land()
    assert real.post(PATH, json=command()).content == accepted
    assert len(world.started()) == 1
    assert [job["state"] for job in world.jobs(name)] == ["COMPLETED", "PENDING"]
    wait_until(lambda: world.jobs(name)[1]["state"] == "CANCELLED")
    assert len(world.started()) == 1


def _doubt(real: TestClient) -> str:
    """What a retry is told: always 503, and when to try again."""
    answer = real.post(PATH, json=command())
    told: str = refused(answer, 503, "execution_unavailable")["detail"]
    assert int(answer.headers["Retry-After"]) > 0
    return told


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


def test_what_is_in_doubt_stays_with_slurm_also_after_a_rollback(
    real: TestClient, world: World, files: DataFiles, flip: Callable[[Mode], None]
) -> None:
    world.plan("landing", "late", times=1)
    refused(real.post(PATH, json=command()), 503, "execution_unavailable")
    flip(Mode.STUB_POLICY)
    wait_until(lambda: _accepted(real))
    assert not spooled(files)
    assert len(world.started()) == 1


def test_what_was_provably_unsent_goes_to_the_spool_after_a_rollback(
    real: TestClient, world: World, files: DataFiles, flip: Callable[[Mode], None]
) -> None:
    world.plan("ping", "dead")
    refused(real.post(PATH, json=command()), 503, "execution_unavailable")
    flip(Mode.STUB_POLICY)
    answer = real.post(PATH, json=command())
    assert answer.status_code == 202
    (order,) = spooled(files)
    assert order["submission_id"] == answer.json()["submission_id"]
    world.mend()
    assert not world.jobs()


def test_a_rollback_sends_the_next_submission_to_the_spool_and_its_end_to_slurm_again(
    real: TestClient,
    world: World,
    files: DataFiles,
    flip: Callable[[Mode], None],
    control: ControlStore,
) -> None:
    document = real.get("/openapi.json").content
    keys = ("before", "during", "after")
    before, during, after = (command(idempotency_key=key, job_id=key) for key in keys)
    assert real.post(PATH, json=before).status_code == 202
    flip(Mode.STUB_POLICY)
    assert real.post(PATH, json=during).status_code == 202
    end_rollback(control)
    assert real.post(PATH, json=after).status_code == 202
    assert [job["environment"]["FLAGCTL_JOB_ID"] for job in world.jobs()] == ["before", "after"]
    assert [order["command"]["job_id"] for order in spooled(files)] == ["during"]
    assert real.get("/openapi.json").content == document


def end_rollback(control: ControlStore) -> None:
    with control.transaction() as at:
        revision = at.state().revision
    now = datetime.now(UTC)
    verdict = SlurmVerdict(holds=True, detail="all hold", taken_at=now)
    end = EndRollback("over", None, "nothing is left to do", revision)
    control.apply(end, tenants.ADMIN, Facts(verdict=verdict))


def test_a_hundred_retries_at_once_in_two_processes_are_one_job(serve: Serve, world: World) -> None:
    slurm = {
        "ZPE_SLURM_ADAPTER": Mode.REAL_POLICY,
        "FLAGCTL_SLURM_CHILD": shlex.join(fake_argv(world)),
    }
    processes = [serve(**slurm), serve(**slurm)]
    for each in processes:
        wait_until(lambda it=each: it.http.get("/api/ready").status_code == 200)  # type: ignore[misc]
    with ThreadPoolExecutor(20) as pool:
        asked = [pool.submit(processes[number % 2].submit) for number in range(100)]
        answers = [each.result() for each in asked]
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.content for answer in answers}) == 1
    assert len(world.started()) == len(world.jobs()) == 1


def test_a_script_that_can_not_be_used_is_named_and_costs_no_retry(
    real: TestClient, world: World, tmp_path: Path
) -> None:
    (tmp_path / "site.sh").write_text("no interpreter\n")
    ready = real.get("/api/ready")
    assert ready.status_code == 503
    (probe,) = [it for it in ready.json()["probes"] if it["name"] == "slurm_dispatcher"]
    assert (probe["error"], "no interpreter" in probe["detail"]) == ("misconfigured", True)
    told = refused(real.post(PATH, json=command()), 503, "adapter_misconfigured")["detail"]
    assert "site.sh" not in told
    assert not world.jobs()


def test_a_walltime_that_slurm_would_let_pend_for_ever_is_caught(
    real: TestClient, world: World
) -> None:
    world.partition("short", max_minutes=90)
    wait_until(lambda: real.get("/api/ready").status_code == 503)
    answer = real.post(PATH, json=command(resource_shape__walltime_seconds=7200))
    assert "90 minutes" in refused(answer, 503, "adapter_misconfigured")["detail"]
    assert not world.jobs()
