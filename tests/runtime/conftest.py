"""The real runtime on a real data directory, asked in process over HTTP."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from flagctl.adapter.sample_policy import SAMPLE
from flagctl.settings import Settings
from flagctl.store.files import DataFiles
from flagctl.store.migrate import upgrade
from flagctl.store.writing import ControlStore
from flagctl.wiring import runtime_app
from tests.runtime import tenants

MakeRuntime = Callable[..., TestClient]


@pytest.fixture
def files(tmp_path: Path) -> DataFiles:
    return DataFiles(tmp_path / "data")


@pytest.fixture
def control(files: DataFiles) -> ControlStore:
    upgrade(files)
    return ControlStore(files, lambda: datetime.now(UTC))


@pytest.fixture
def token(control: ControlStore) -> str:
    return tenants.issue(control)


@pytest.fixture
def make_runtime(files: DataFiles) -> Iterator[MakeRuntime]:
    """Return a maker of clients of the running app; its settings are given by name."""
    with ExitStack() as stack:

        def make(**settings: object) -> TestClient:
            values = {"data_dir": files.directory, "policy_path": SAMPLE, **settings}
            app = runtime_app(Settings(**values))  # type: ignore[arg-type]
            client = TestClient(app, base_url="http://127.0.0.1:8601")
            return stack.enter_context(client)

        yield make


@pytest.fixture
def runtime(make_runtime: MakeRuntime, token: str) -> TestClient:
    client = make_runtime()
    client.headers.update(tenants.bearer(token))
    return client
