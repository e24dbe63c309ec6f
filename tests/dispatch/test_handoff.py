"""Hand-off over HTTP: what is certain, and what nobody can tell."""

import socket
import time
from collections.abc import Iterator

import pytest

from flagctl.dispatch.handoff import HandoffDispatcher
from flagctl.dispatch.ports import Dispatcher, InDoubtError, NotSentError
from tests.dispatch.node import Node
from tests.dispatch.orders import order
from tests.dispatch.test_dispatchers import run
from tests.waiting import wait_until


@pytest.fixture
def node() -> Iterator[Node]:
    with Node().serving() as node:
        yield node


def send(url: str, timeout_s: float = 5, key: str = "key-1") -> None:
    run(HandoffDispatcher(url, timeout_s), lambda it: it.dispatch(order(key)))


def test_the_node_gets_the_digest_as_key_and_the_trace(node: Node) -> None:
    send(node.url, key="schlüssel")
    (headers,) = node.requests
    sent = order("schlüssel")
    assert headers["idempotency-key"] == sent.digest
    version, trace_id, span_id, _flags = headers["traceparent"].split("-")
    assert (version, trace_id, len(span_id)) == ("00", sent.trace_id, 16)
    assert headers["content-type"] == "application/json"


def test_a_refused_connection_is_not_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(NotSentError, match="can't be reached"):
        send(f"http://127.0.0.1:{port}/submit")


def test_no_answer_in_time_is_in_doubt(node: Node) -> None:
    node.go_on.clear()
    with pytest.raises(InDoubtError):
        send(node.url, timeout_s=1)
    wait_until(lambda: len(node.taken) == 1)


def test_a_connection_that_breaks_off_is_in_doubt(node: Node) -> None:
    node.hang_up = True
    with pytest.raises(InDoubtError):
        send(node.url)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 409])
def test_an_answer_that_may_come_after_the_fact_is_in_doubt(node: Node, status: int) -> None:
    node.status = status
    with pytest.raises(InDoubtError, match=str(status)):
        send(node.url)


@pytest.mark.parametrize("status", [301, 400, 401, 404, 422, 429])
def test_an_answer_that_refuses_is_not_sent(node: Node, status: int) -> None:
    node.status = status
    with pytest.raises(NotSentError, match=str(status)):
        send(node.url)


@pytest.mark.parametrize(("idle_s", "connections"), [(0.0, 1), (1.1, 2)])
def test_a_connection_that_was_idle_for_over_a_second_is_not_used_again(
    node: Node, monkeypatch: pytest.MonkeyPatch, idle_s: float, connections: int
) -> None:
    """The node may close it just then, and nobody could tell whether it has the submission."""
    monotonic = time.monotonic

    async def send_two(dispatcher: Dispatcher) -> None:
        await dispatcher.dispatch(order("key-1"))
        monkeypatch.setattr(time, "monotonic", lambda: monotonic() + idle_s)
        await dispatcher.dispatch(order("key-2"))

    run(HandoffDispatcher(node.url, timeout_s=5), send_two)
    assert len(set(node.clients)) == connections
