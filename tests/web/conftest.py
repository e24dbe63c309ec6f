"""The real admin app on a real store, asked in process over HTTP."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from flagctl.settings import Settings
from flagctl.store.files import DataFiles
from flagctl.store.migrate import upgrade
from flagctl.store.writing import ControlStore
from flagctl.web.app import create
from flagctl.web.services import Services


class MovedClock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 5, 1, 7, 25, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, span: timedelta) -> None:
        self.now += span


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@pytest.fixture
def files(tmp_path: Path) -> DataFiles:
    return DataFiles(tmp_path / "data")


@pytest.fixture
def store(files: DataFiles, clock: MovedClock) -> ControlStore:
    upgrade(files)
    return ControlStore(files, clock)


@pytest.fixture
def make_web(files: DataFiles, clock: MovedClock) -> Callable[..., TestClient]:
    """Return a maker of clients of the app; its settings are given by name."""

    def make(**settings: object) -> TestClient:
        values = {"data_dir": files.directory, "busy_timeout_s": 0.05, **settings}
        app = create(Services(Settings(**values), files, clock))  # type: ignore[arg-type]
        return TestClient(app, base_url="http://127.0.0.1:8600")

    return make


@pytest.fixture
def web(store: ControlStore, make_web: Callable[..., TestClient]) -> TestClient:
    return make_web()
