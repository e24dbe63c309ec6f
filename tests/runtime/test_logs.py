"""One JSON line per request, with what the contract names and no secret."""

import io
import json
import logging
import signal
import socket
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from starlette.testclient import TestClient

from flagctl import logs
from tests.runtime.commands import PATH, command
from tests.runtime.conftest import MakeRuntime, Serve
from tests.waiting import wait_until

CONTRACT = {
    "trace_id",
    "tenant_id",
    "workspace_id",
    "job_id",
    "submission_id",
    "management_node_id",
    "idempotency_key",
}


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    handlers, level = logging.root.handlers[:], logging.root.level
    stream = io.StringIO()
    yield stream
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_every_submission_is_logged_with_the_contracts_fields(serve: Serve) -> None:
    served = serve()
    accepted = served.submit().json()
    served.submit()
    served.submit(job_id="another")
    served.submit(idempotency_key="key-2", execution_profile__qos="other")
    served.stop()
    found = [line for line in served.logged("request") if line["path"] == PATH]
    assert [line["outcome"] for line in found] == [
        "accepted",
        "replayed",
        "idempotency_conflict",
        "policy_rejected",
    ]
    for line in found:
        assert line.keys() >= CONTRACT
        assert line["duration_ms"] > 0
    assert {line["submission_id"] for line in found[:3]} == {accepted["submission_id"]}
    assert found[0]["trace_id"] == accepted["trace_id"]
    assert found[1]["trace_id"] != accepted["trace_id"]


def test_a_refused_request_says_what_is_known_of_it(serve: Serve) -> None:
    served = serve()
    served.http.post(PATH, json={}, headers={"Authorization": "Bearer wrong"})
    served.stop()
    (line,) = (line for line in served.logged("request") if line["path"] == PATH)
    assert (line["status"], line["outcome"]) == (401, "unauthorized")
    assert "tenant_id" not in line


def test_no_secret_is_ever_logged(serve: Serve, token: str) -> None:
    served = serve()
    served.submit(payload_ref__input_uri="https://host/x?X-Signature=hush")
    served.submit(payload_ref__input_uri="https://host/x?X-Signature=hush hush")
    served.http.get("/nothing?token=hush")
    served.stop()
    text = served.log.read_text()
    assert "accepted" in text
    assert token not in text
    assert "hush" not in text


def test_what_machines_poll_is_not_logged(serve: Serve) -> None:
    served = serve()
    for path in ("/api/health", "/api/ready", "/metrics", "/openapi.json"):
        served.http.get(path)
    served.stop()
    assert [line["path"] for line in served.logged("request")] == ["/openapi.json"]


def test_a_client_that_goes_away_is_no_fault_of_ours(serve: Serve, token: str) -> None:
    served = serve()
    head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
    announced = "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
    with socket.create_connection(("127.0.0.1", served.port)) as gone:
        gone.sendall((head + announced).encode())
    wait_until(lambda: PATH in served.log.read_text())
    served.stop()
    (line,) = served.logged("request")
    assert (line["status"], line["outcome"]) == (400, "invalid_request")
    assert '"level": "error"' not in served.log.read_text()


def test_the_whole_log_is_json_from_start_to_stop(serve: Serve) -> None:
    served = serve()
    served.submit()
    served.stop()
    for line in served.log.read_text().splitlines():
        assert json.loads(line).keys() >= {"event", "level", "at"}
    assert served.process.returncode == -signal.SIGTERM  # raised again once it has stopped


def test_libraries_log_into_the_same_stream(stream: io.StringIO) -> None:
    logs.configure(stream)
    structlog.contextvars.bind_contextvars(trace_id="t")
    try:
        int("broken\nin two lines")
    except ValueError:
        logging.getLogger("some.library").exception("it %s", "failed")
    structlog.contextvars.clear_contextvars()
    (line,) = lines(stream)
    assert (line["event"], line["level"], line["logger"]) == ("it failed", "error", "some.library")
    assert line["trace_id"] == "t"
    assert "ValueError" in line["exception"]


class Broken(io.StringIO):
    def write(self, _text: str) -> int:
        raise OSError(28, "No space left on device")


def test_a_log_that_cannot_be_written_fails_nobody(
    stream: io.StringIO, make_runtime: MakeRuntime, runtime: TestClient
) -> None:
    logs.configure(Broken())
    structlog.get_logger("x").info("lost")
    logging.getLogger("x").warning("lost")
    assert runtime.post(PATH, json=command()).status_code == 202
