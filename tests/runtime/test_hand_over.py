"""A submission stays with the dispatcher it began with, for as long as nobody can tell."""

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from flagctl.store.files import DataFiles
from flagctl.vocabulary import Mode
from tests.dispatch.node import Node
from tests.runtime.commands import PATH, command
from tests.runtime.conftest import MakeRuntime
from tests.runtime.tenants import bearer
from tests.runtime.test_bad_input import refused
from tests.runtime.test_submit import spooled


@pytest.fixture
def node() -> Iterator[Node]:
    with Node().serving() as node:
        yield node


@pytest.fixture
def authorized(make_runtime: MakeRuntime, token: str) -> Callable[..., TestClient]:
    """Return a maker of runtimes whose requests carry the token."""

    def make(**settings: Any) -> TestClient:
        runtime = make_runtime(**settings)
        runtime.headers.update(bearer(token))
        return runtime

    return make


Make = Callable[..., TestClient]


def test_with_a_url_the_node_gets_the_order_and_the_spool_nothing(
    authorized: Make, node: Node, files: DataFiles
) -> None:
    answer = authorized(handoff_url=node.url).post(PATH, json=command())
    assert answer.status_code == 202
    (taken,) = node.taken.values()
    assert taken["submission_id"] == answer.json()["submission_id"]
    assert taken["command"] == command()
    assert not spooled(files)


def test_what_is_in_doubt_is_retried_as_it_began_also_after_a_flip(
    authorized: Make, node: Node, flip: Callable[[Mode], None]
) -> None:
    node.hang_up = True
    runtime = authorized(handoff_url=node.url)
    told = runtime.post(PATH, json=command())
    refused(told, 503, "execution_unavailable")
    assert int(told.headers["Retry-After"]) > 0
    flip(Mode.PASSTHROUGH)
    node.hang_up = False
    assert "1 in doubt" in str(runtime.get("/api/health").json()["reasons"])
    assert runtime.get("/api/ready").status_code == 200
    answer = runtime.post(PATH, json=command())
    assert answer.status_code == 202
    assert runtime.get("/api/health").json()["reasons"] == []
    first, second = node.orders
    assert first == second
    assert first["boundary"]["adapter"] == Mode.STUB_POLICY
    assert first["submission_id"] == answer.json()["submission_id"]
    assert first["trace_id"] == answer.json()["trace_id"]
    assert len({headers["idempotency-key"] for headers in node.requests}) == 1


def test_what_is_in_doubt_is_not_given_to_another_dispatcher(
    authorized: Make, node: Node, files: DataFiles
) -> None:
    node.status = 500
    assert authorized(handoff_url=node.url).post(PATH, json=command()).status_code == 503
    refused(authorized().post(PATH, json=command()), 503, "execution_unavailable")
    assert not spooled(files)
    node.status = 202
    assert authorized(handoff_url=node.url).post(PATH, json=command()).status_code == 202


def test_in_doubt_once_a_later_refused_connection_does_not_prove_it_unsent(
    authorized: Make, node: Node, files: DataFiles
) -> None:
    node.status = 500
    assert authorized(handoff_url=node.url).post(PATH, json=command()).status_code == 503
    unreachable = authorized(handoff_url=f"http://127.0.0.1:{free_port()}/submit")
    assert unreachable.post(PATH, json=command()).status_code == 503
    refused(authorized().post(PATH, json=command()), 503, "execution_unavailable")
    assert not spooled(files)


def test_what_was_provably_unsent_may_go_another_way(authorized: Make, files: DataFiles) -> None:
    unreachable = authorized(handoff_url=f"http://127.0.0.1:{free_port()}/submit")
    refused(unreachable.post(PATH, json=command()), 503, "execution_unavailable")
    answer = authorized().post(PATH, json=command())
    assert answer.status_code == 202
    (order,) = spooled(files)
    assert order["submission_id"] == answer.json()["submission_id"]


def test_what_was_unsent_keeps_its_intent(authorized: Make) -> None:
    unreachable = authorized(handoff_url=f"http://127.0.0.1:{free_port()}/submit")
    assert unreachable.post(PATH, json=command()).status_code == 503
    assert authorized().post(PATH, json=command(job_id="other")).status_code == 409


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        return int(unused.getsockname()[1])
