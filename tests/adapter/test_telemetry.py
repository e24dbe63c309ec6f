import errno
import json
import logging
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from flagctl.adapter import SlurmAdapter, SlurmPolicyDeniedError, SlurmPolicyError
from flagctl.adapter.telemetry import RequestIds, Resolution, log_resolution
from flagctl.vocabulary import Mode
from tests.adapter.policies import DENYING, ROUTING, FixedMode, FixedPolicy, in_force

CONTEXT = {
    "slurm_adapter_configured": "real-policy",
    "slurm_contract_version": "slurm-adapter-boundary/v1",
    "source": "rollback-flag",
    "freshness": "fresh",
    "revision": 17,
    "event": "slurm_adapter_resolution",
}


@pytest.fixture(autouse=True)
def structlog_as_it_was() -> Iterator[None]:
    before = structlog.get_config()
    yield
    structlog.configure(**before)


def write_json_to(stream: Any, level: int = logging.INFO) -> None:
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(stream),
    )


def adapter(mode: Mode) -> SlurmAdapter:
    return SlurmAdapter(reader=FixedMode(mode), policy=FixedPolicy(ROUTING))


def test_a_resolution_is_logged_with_every_field_of_the_contract() -> None:
    with capture_logs() as logs:
        adapter(Mode.STUB_POLICY).resolve(
            " unknown ", trace_id="t1", tenant_id="acme", workspace_id="w1", job_id="j1"
        )
    assert logs == [
        CONTEXT
        | {
            "trace_id": "t1",
            "tenant_id": "acme",
            "workspace_id": "w1",
            "job_id": "j1",
            "slurm_adapter": "stub-policy",
            "slurm_adapter_effective": "stub-policy",
            "requested_queue_name": "unknown",
            "resolved_queue_name": "standard",
            "used_fallback": True,
            "outcome": "resolved",
            "log_level": "info",
        }
    ]


def test_a_denied_resolution_is_logged_with_the_same_fields_and_its_error() -> None:
    denying = SlurmAdapter(reader=FixedMode(Mode.STUB_POLICY), policy=FixedPolicy(DENYING))
    with capture_logs() as logs, pytest.raises(SlurmPolicyDeniedError) as caught:
        denying.resolve("unknown", tenant_id="acme")
    assert logs == [
        CONTEXT
        | {
            "tenant_id": "acme",
            "slurm_adapter": "stub-policy",
            "slurm_adapter_effective": "stub-policy",
            "requested_queue_name": "unknown",
            "resolved_queue_name": None,
            "used_fallback": False,
            "outcome": "denied",
            "error": str(caught.value),
            "log_level": "info",
        }
    ]


def test_a_resolution_that_somebody_must_mend_is_logged_as_a_warning() -> None:
    with capture_logs() as logs, pytest.raises(SlurmPolicyError):
        adapter(Mode.REAL_POLICY).resolve("standard")
    assert [(log["outcome"], log["log_level"]) for log in logs] == [("precondition", "warning")]


def test_stub_policy_without_a_policy_is_logged_as_the_passthrough_that_answered() -> None:
    with capture_logs() as logs:
        SlurmAdapter(reader=FixedMode(Mode.STUB_POLICY)).resolve("x")
    assert logs[0]["slurm_adapter"] == "passthrough"
    assert logs[0]["slurm_adapter_effective"] == "stub-policy"


def test_an_event_is_plain_json_and_keeps_the_ids_bound_to_the_logging_context() -> None:
    stream = StringIO()
    write_json_to(stream)
    with structlog.contextvars.bound_contextvars(trace_id="bound", job_id="bound"):
        adapter(Mode.STUB_POLICY).resolve("standard", job_id="given")
    written = json.loads(stream.getvalue())
    assert (written["trace_id"], written["job_id"]) == ("bound", "given")
    assert written["slurm_adapter"] == "stub-policy"
    assert "tenant_id" not in written


def test_the_log_s_level_switches_the_events_off() -> None:
    stream = StringIO()
    write_json_to(stream, logging.WARNING)
    adapter(Mode.STUB_POLICY).resolve("standard")
    assert stream.getvalue() == ""
    with pytest.raises(SlurmPolicyError):
        adapter(Mode.REAL_POLICY).resolve("standard")
    assert stream.getvalue().count("\n") == 1


class FullDisk(StringIO):
    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


class ClosedPipe(StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")


def closed() -> StringIO:
    stream = StringIO()
    stream.close()
    return stream


@pytest.mark.parametrize("make", [FullDisk, ClosedPipe, closed])
def test_a_log_that_can_t_be_written_fails_no_resolution(make: Any) -> None:
    write_json_to(make())
    log_resolution(Resolution("standard", in_force(Mode.PASSTHROUGH), RequestIds()))
    assert adapter(Mode.STUB_POLICY).resolve("standard").resolved_queue == "standard"
