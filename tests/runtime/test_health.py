"""Health, readiness and metrics: what they say when something is wrong."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from flagctl.runtime.app import create
from flagctl.runtime.probes import Finding, Probe
from flagctl.settings import Settings
from flagctl.store.files import DataFiles
from flagctl.store.mode_reader import Reading
from flagctl.vocabulary import Mode
from flagctl.wiring import runtime_services
from tests.runtime.commands import PATH, command
from tests.runtime.conftest import MakeRuntime
from tests.runtime.tenants import bearer
from tests.runtime.test_bad_input import assert_nothing_happened, refused
from tests.waiting import wait_until

NAMES = {
    "control_store",
    "submissions_store",
    "submissions_in_doubt",
    "spool",
    "queue_policy",
    "data_directory",
    "process_registry",
}
"""What it depends on in every mode; Slurm's probes are tested where a Slurm is."""


def probes(runtime: TestClient) -> dict[str, dict[str, Any]]:
    return {probe["name"]: probe for probe in runtime.get("/api/ready").json()["probes"]}


def test_a_healthy_runtime_is_ok_and_ready(runtime: TestClient) -> None:
    health = runtime.get("/api/health")
    assert (health.status_code, health.json()["status"], health.json()["reasons"]) == (
        200,
        "ok",
        [],
    )
    ready = runtime.get("/api/ready")
    assert (ready.status_code, ready.json()["ready"]) == (200, True)
    found = probes(runtime)
    in_any_mode = {name for name in found if not name.startswith("slurm_")}
    assert in_any_mode == NAMES
    for probe in found.values():
        assert probe.keys() == {"name", "status", "error", "latency_ms", "detail", "required"}
        assert probe["latency_ms"] >= 0
    assert {found[name]["status"] for name in in_any_mode} == {"ok"}


@pytest.mark.parametrize("mode", [Mode.PASSTHROUGH, Mode.STUB_POLICY])
def test_slurm_is_skipped_below_real_policy(make_runtime: MakeRuntime, mode: Mode) -> None:
    found = probes(make_runtime(adapter_pin=mode))
    of_slurm = {name: probe["status"] for name, probe in found.items() if name not in NAMES}
    assert set(of_slurm.values()) == {"skipped"}


def test_real_policy_without_slurm_is_not_ready_and_a_rollback_makes_it_ready(
    make_runtime: MakeRuntime, token: str, flip: Callable[[Mode], None]
) -> None:
    runtime = make_runtime(adapter_pin=Mode.REAL_POLICY)
    assert runtime.get("/api/ready").status_code == 503
    wait_until(lambda: probes(runtime)["slurm_pyslurm"]["error"] == "tooling_missing")
    assert runtime.get("/api/health").status_code == 200
    flip(Mode.STUB_POLICY)
    assert runtime.get("/api/ready").status_code == 200


def test_health_is_200_also_when_a_probe_itself_fails() -> None:
    async def ask(_reading: Reading) -> Finding:
        raise ZeroDivisionError("a fault of ours")

    with TestClient(app_with(Probe("odd", ask))) as runtime:
        health = runtime.get("/api/health")
    assert (health.status_code, health.json()["status"]) == (200, "degraded")
    assert "a fault of ours" in health.json()["reasons"][0]


def app_with(probe: Probe) -> FastAPI:
    """An app with one probe only, on a directory of its own."""
    with TemporaryDirectory() as directory:
        services = runtime_services(Settings(data_dir=Path(directory)))
    return create(replace(services, probes=(probe,), watching=()))


def missing(path: Path) -> None:
    path.unlink()


def a_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def not_utf8(path: Path) -> None:
    path.write_bytes(b"\xff\xfe{}")


def not_json(path: Path) -> None:
    path.write_text("{")


def walltime_true(path: Path) -> None:
    path.write_text(path.read_text().replace("120", "true"))


def unknown_fallback(path: Path) -> None:
    path.write_text(path.read_text().replace("route-default", "guess"))


def too_large(path: Path) -> None:
    path.write_text(path.read_text() + " " * 2**20)


@pytest.mark.parametrize(
    "broken",
    [missing, a_directory, not_utf8, not_json, walltime_true, unknown_fallback, too_large],
)
def test_a_broken_policy_file_starts_not_ready_and_heals(
    make_runtime: MakeRuntime,
    token: str,
    files: DataFiles,
    own_policy: Path,
    broken: Callable[[Path], None],
) -> None:
    good = own_policy.read_text()
    broken(own_policy)
    runtime = make_runtime(policy_path=own_policy)
    runtime.headers.update(bearer(token))
    assert runtime.get("/api/ready").status_code == 503
    probe = probes(runtime)["queue_policy"]
    assert (probe["status"], probe["error"]) == ("failed", "misconfigured")
    answer = runtime.post(PATH, json=command())
    assert str(own_policy) in refused(answer, 503, "adapter_misconfigured")["detail"]
    assert "Retry-After" not in answer.headers
    assert_nothing_happened(files)
    if own_policy.is_dir():
        own_policy.rmdir()
    own_policy.write_text(good)
    wait_until(lambda: runtime.get("/api/ready").status_code == 200)
    assert runtime.post(PATH, json=command()).status_code == 202


def test_a_policy_that_breaks_while_it_is_used_is_never_silently_the_old_one(
    make_runtime: MakeRuntime, token: str, own_policy: Path
) -> None:
    runtime = make_runtime(policy_path=own_policy)
    runtime.headers.update(bearer(token))
    assert runtime.post(PATH, json=command()).status_code == 202
    own_policy.write_text("{")
    wait_until(lambda: runtime.get("/api/ready").status_code == 503)
    answer = runtime.post(PATH, json=command(idempotency_key="new"))
    refused(answer, 503, "adapter_misconfigured")


def test_passthrough_needs_no_policy_to_be_ready(
    make_runtime: MakeRuntime, token: str, own_policy: Path
) -> None:
    own_policy.unlink()
    runtime = make_runtime(policy_path=own_policy, adapter_pin=Mode.PASSTHROUGH)
    assert runtime.get("/api/ready").status_code == 200
    assert probes(runtime)["queue_policy"]["status"] == "skipped"
    assert runtime.post(PATH, json=command(), headers=bearer(token)).status_code == 202


def test_health_says_when_a_break_glass_file_lowers_nobody_because_a_rollback_flag_does(
    runtime: TestClient, files: DataFiles, flip: Callable[[Mode], None]
) -> None:
    def reason() -> str:
        return " ".join(runtime.get("/api/health").json()["reasons"])

    flip(Mode.PASSTHROUGH)
    files.break_glass.write_text(Mode.STUB_POLICY)
    wait_until(lambda: "break-glass" in reason())
    assert f"asks for {Mode.STUB_POLICY}; it lowers nobody now" in reason()
    assert "asks for a lower mode" not in reason()


def test_store_trouble_degrades_a_running_process_and_leaves_it_ready(
    runtime: TestClient, files: DataFiles
) -> None:
    files.control.rename(files.control.with_suffix(".away"))
    wait_until(lambda: runtime.get("/api/health").json()["status"] == "degraded")
    assert runtime.get("/api/ready").status_code == 200
    assert probes(runtime)["control_store"]["required"] is False
    in_force = runtime.get("/api/health").json()["in_force"]
    assert in_force["freshness"] == "last-known-good"
    assert runtime.post(PATH, json=command()).status_code == 202


def test_a_full_spool_is_503_and_not_ready_until_the_node_takes_files(
    make_runtime: MakeRuntime, token: str, files: DataFiles
) -> None:
    runtime = make_runtime(spool_max_files=2)
    runtime.headers.update(bearer(token))
    for key in ("1", "2"):
        assert runtime.post(PATH, json=command(idempotency_key=key)).status_code == 202
    answer = runtime.post(PATH, json=command(idempotency_key="3"))
    refused(answer, 503, "execution_unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert probes(runtime)["spool"]["status"] == "failed"
    assert runtime.get("/api/ready").status_code == 503
    next(files.spool.iterdir()).unlink()
    assert runtime.post(PATH, json=command(idempotency_key="3")).status_code == 202


def test_what_was_unsent_is_retried_in_the_mode_then_in_force(
    make_runtime: MakeRuntime, token: str, files: DataFiles, flip: Callable[[Mode], None]
) -> None:
    runtime = make_runtime(spool_max_files=1)
    runtime.headers.update(bearer(token))
    runtime.post(PATH, json=command(idempotency_key="1"))
    assert runtime.post(PATH, json=command()).status_code == 503
    next(files.spool.iterdir()).unlink()
    flip(Mode.PASSTHROUGH)
    assert runtime.post(PATH, json=command()).status_code == 202
    assert Mode.PASSTHROUGH in next(files.spool.iterdir()).read_text()


def test_metrics_count_by_mode_and_outcome(
    runtime: TestClient, flip: Callable[[Mode], None]
) -> None:
    runtime.post(PATH, json=command())
    runtime.post(PATH, json=command())
    runtime.post(PATH, json=command(job_id="other"))
    flip(Mode.PASSTHROUGH)
    runtime.post(PATH, json=command(idempotency_key="2"))
    text = runtime.get("/metrics").text
    stub, through = Mode.STUB_POLICY, Mode.PASSTHROUGH
    for line in (
        f'flagctl_submissions_total{{mode="{stub}",outcome="accepted"}} 1.0',
        f'flagctl_submissions_total{{mode="{stub}",outcome="replayed"}} 1.0',
        f'flagctl_submissions_total{{mode="{stub}",outcome="idempotency_conflict"}} 1.0',
        f'flagctl_submissions_total{{mode="{through}",outcome="accepted"}} 1.0',
        f'flagctl_resolutions_total{{mode="{stub}",outcome="resolved"}} 1.0',
        f'flagctl_mode{{mode="{through}"}} 1.0',
        'flagctl_freshness{freshness="fresh"} 1.0',
        "flagctl_revision 1.0",
        "flagctl_submission_duration_seconds_count 4.0",
    ):
        assert line in text, text
