"""The Slurm dispatcher holds the contract of all dispatchers, over the fake and the real Slurm."""

from collections.abc import Iterator

import pytest

from tests.dispatch.test_dispatchers import Bench, DispatcherContract
from tests.slurm.bench import SIDES


class TestSlurm(DispatcherContract):
    @pytest.fixture(params=SIDES)
    def bench(self, request: pytest.FixtureRequest) -> Iterator[Bench]:
        with request.param(request) as bench:
            yield bench
