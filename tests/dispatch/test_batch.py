"""The batch job of an order: its resources, its paths, and the script that is there by default."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from flagctl.dispatch.batch import (
    DEFAULT_SCRIPT,
    SCRIPT_MAX_BYTES,
    Site,
    asked_minutes,
    batch_job,
    environment,
    read_script,
)
from flagctl.domain.boundary import SlurmQueueMapping
from flagctl.domain.submission import Order
from flagctl.errors import MisconfiguredError
from flagctl.settings import load_settings
from flagctl.wiring.dispatch import site_of
from tests.dispatch.orders import order

MAPPING = SlurmQueueMapping("standard", "short", "chem-default", "normal", 120)


def asking(walltime_s: int) -> Order:
    sent = order()
    shape = {"cpu": 2, "memory_mib": 300, "walltime_seconds": walltime_s}
    return replace(sent, command={**sent.command, "resource_shape": shape})


WALLTIMES = {1: 1, 60: 1, 61: 2, 7199: 120, 7200: 120, 7201: 120}


@pytest.mark.parametrize(("asked_s", "minutes"), WALLTIMES.items())
def test_a_walltime_is_rounded_up_to_minutes_and_never_above_the_mapping(
    asked_s: int, minutes: int
) -> None:
    assert asked_minutes(asking(asked_s), MAPPING) == minutes


def test_paths_begin_in_the_working_directory_unless_they_are_absolute() -> None:
    site = Site(working_directory="/scratch", output="a/%j.out", error="/var/log/%j.err")
    sent = order()
    job = batch_job(sent, MAPPING, site, "#!/bin/sh\n")
    assert (job.standard_output, job.standard_error) == ("/scratch/a/%j.out", "/var/log/%j.err")
    assert job.name == f"flagctl-{sent.digest}-{sent.submission_id}"


def test_the_settings_say_all_of_it() -> None:
    site = site_of(
        load_settings(
            {
                "FLAGCTL_SLURM_BATCH_SCRIPT": "/opt/site.sh",
                "FLAGCTL_SLURM_WORK_DIR": "/scratch",
                "FLAGCTL_SLURM_OUTPUT": "%j.out",
                "FLAGCTL_SLURM_ERROR": "%j.err",
            }
        )
    )
    assert site == Site(
        script=Path("/opt/site.sh"), working_directory="/scratch", output="%j.out", error="%j.err"
    )


def test_without_settings_both_outputs_are_one_file_and_the_script_is_ours() -> None:
    site = site_of(load_settings({}))
    assert (site.script, site.output) == (DEFAULT_SCRIPT, site.error)


def test_a_working_directory_that_is_not_absolute_is_refused() -> None:
    with pytest.raises(MisconfiguredError, match="FLAGCTL_SLURM_WORK_DIR=jobs"):
        load_settings({"FLAGCTL_SLURM_WORK_DIR": "jobs"})


def test_the_default_script_names_its_submission_and_ends_well() -> None:
    sent = order()
    done = subprocess.run(
        ["/bin/sh", "-c", read_script(DEFAULT_SCRIPT)],
        env=dict(environment(sent)),
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"job job-1 of submission {sent.submission_id}" in done.stdout
    assert "nothing was computed" in done.stdout


def test_the_default_script_documents_every_variable() -> None:
    command = {**order().command}
    command["payload_ref"] = {**command["payload_ref"], "artifact_bucket": "bucket"}
    names = environment(replace(order(), command=command))
    text = read_script(DEFAULT_SCRIPT)
    assert all(name in text for name in names)


def test_a_script_larger_than_slurm_takes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "large.sh"
    path.write_bytes(b"#!/bin/sh\n" + b"#" * SCRIPT_MAX_BYTES)
    with pytest.raises(MisconfiguredError, match="more than"):
        read_script(path)
