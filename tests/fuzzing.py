"""Asking a served app everything that its OpenAPI document allows."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Thread
from typing import Any

import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import status_code_conformance

from tests.waiting import wait_until

CHECKS = [not_a_server_error, status_code_conformance]
EXAMPLES = 20


@contextmanager
def served(app: Any) -> Iterator[str]:
    """Serve the app on a port of its own and give its address."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, access_log=False))
    thread = Thread(target=server.run)
    thread.start()
    try:
        wait_until(lambda: server.started)
        host, port = server.servers[0].sockets[0].getsockname()[:2]
        yield f"http://{host}:{port}"
    finally:
        server.should_exit = True
        thread.join()


def ask_everything(
    document_url: str, headers: Mapping[str, str], body: Mapping[str, Any] | None = None
) -> int:
    """Send examples of every operation; `body` replaces fields that only one value opens.

    Fails on any answer of 5xx and on any status that the document does not name. Returns how
    many operations there are.
    """
    schema = schemathesis.openapi.from_url(document_url, headers=dict(headers))
    operations = list(schema.get_all_operations())
    for found in operations:
        assert isinstance(found, Ok), found
        _ask(found.ok(), dict(headers), body or {})
    return len(operations)


def _ask(operation: Any, headers: dict[str, str], body: Mapping[str, Any]) -> None:
    @seed(1)
    @settings(
        max_examples=EXAMPLES,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def ask(case: schemathesis.Case) -> None:  # type: ignore[type-arg]
        if isinstance(case.body, dict):
            case.body |= body
        case.call_and_validate(headers=headers, checks=CHECKS)

    ask()
