"""What every dispatcher does: the contract that each of them runs."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import pytest

from flagctl.dispatch.handoff import HandoffDispatcher
from flagctl.dispatch.ports import Dispatcher, NotSentError
from flagctl.dispatch.spool import SpoolDispatcher
from flagctl.domain.submission import Order
from tests.dispatch.node import Node
from tests.dispatch.orders import order


def run(dispatcher: Dispatcher, work: Callable[[Dispatcher], Awaitable[Any]]) -> Any:
    """Do something with a dispatcher on a loop of its own, then close it."""

    async def do() -> Any:
        try:
            return await work(dispatcher)
        finally:
            await dispatcher.close()

    return asyncio.run(do())


class Bench(Protocol):
    """A kind of dispatcher with its other side."""

    def make(self) -> Dispatcher: ...

    def order(self, key: str = "key-1") -> Order:
        """Return an order that it takes."""

    def received(self) -> Collection[str]:
        """What arrived to be executed, each by its digest."""

    def require_whole(self, sent: Order) -> None:
        """Fail unless all of the order arrived."""

    def refuse(self) -> None:
        """Let the other side refuse from now on, so that nothing is sent for certain."""


class SpoolBench:
    def __init__(self, directory: Path) -> None:
        self.directory = directory / "spool"
        self.order = order
        self._max_files = 10

    def make(self) -> Dispatcher:
        return SpoolDispatcher(self.directory, self._max_files)

    def received(self) -> Mapping[str, Mapping[str, Any]]:
        return {path.stem: json.loads(path.read_text()) for path in self.directory.glob("*.json")}

    def require_whole(self, sent: Order) -> None:
        assert self.received()[sent.digest] == json.loads(sent.document())

    def refuse(self) -> None:
        self._max_files = 0


class HandoffBench:
    def __init__(self, node: Node) -> None:
        self._node = node
        self.order = order

    def make(self) -> Dispatcher:
        return HandoffDispatcher(self._node.url, timeout_s=5)

    def received(self) -> Mapping[str, Mapping[str, Any]]:
        return self._node.taken

    def require_whole(self, sent: Order) -> None:
        assert self.received()[sent.digest] == json.loads(sent.document())

    def refuse(self) -> None:
        self._node.status = 422


class DispatcherContract:
    """Subclasses give a `bench`."""

    def test_an_order_arrives_whole(self, bench: Bench) -> None:
        sent = bench.order()
        run(bench.make(), lambda dispatcher: dispatcher.dispatch(sent))
        assert list(bench.received()) == [sent.digest]
        bench.require_whole(sent)

    def test_the_same_order_again_is_one_job(self, bench: Bench) -> None:
        sent = bench.order()
        for _ in range(3):
            run(bench.make(), lambda dispatcher: dispatcher.dispatch(sent))
        assert list(bench.received()) == [sent.digest]

    def test_the_same_order_at_once_is_one_job(self, bench: Bench) -> None:
        sent = bench.order()

        async def twenty(dispatcher: Dispatcher) -> None:
            await asyncio.gather(*(dispatcher.dispatch(sent) for _ in range(20)))

        run(bench.make(), twenty)
        assert list(bench.received()) == [sent.digest]
        bench.require_whole(sent)

    def test_many_orders_at_once_all_arrive(self, bench: Bench) -> None:
        orders = [bench.order(f"key-{number}") for number in range(8)]

        async def all_of_them(dispatcher: Dispatcher) -> None:
            await asyncio.gather(*map(dispatcher.dispatch, orders))

        run(bench.make(), all_of_them)
        assert set(bench.received()) == {each.digest for each in orders}

    def test_what_is_refused_is_told_as_not_sent(self, bench: Bench) -> None:
        bench.refuse()
        sent = bench.order()
        with pytest.raises(NotSentError):
            run(bench.make(), lambda dispatcher: dispatcher.dispatch(sent))
        assert not bench.received()

    def test_one_that_works_says_so_when_it_is_checked(self, bench: Bench) -> None:
        run(bench.make(), lambda dispatcher: dispatcher.check())


class TestSpool(DispatcherContract):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> Bench:
        return SpoolBench(tmp_path)


class TestHandoff(DispatcherContract):
    @pytest.fixture
    def bench(self) -> Iterator[Bench]:
        with Node().serving() as node:
            yield HandoffBench(node)


def test_an_order_says_what_the_node_needs() -> None:
    made: Order = order()
    document = json.loads(made.document())
    assert document.keys() == {
        "idempotency_digest",
        "submission_id",
        "trace_id",
        "command",
        "boundary",
    }
    assert document["boundary"]["contract_version"] == "slurm-adapter-boundary/v1"
    assert made.document() == json.dumps(
        document, sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
