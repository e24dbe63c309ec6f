"""Fixtures that every test may use."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from flagctl.store.connection import open_connection
from flagctl.store.files import DataFiles
from flagctl.store.migrate import upgrade

# A machine that is busy with other work makes an example slow, not wrong.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest.fixture(scope="session")
def new_control_db(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a new control.db; making one anew for each test takes half a second."""
    files = DataFiles(tmp_path_factory.mktemp("new"))
    upgrade(files)
    connection = open_connection(files.control)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return files.control.read_bytes()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the browser's tests last: Playwright keeps an event loop running in this thread.

    No test after it could run a loop of its own.
    """
    items.sort(key=lambda item: "browser" in item.path.relative_to(Path(__file__).parent).parts)


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    """Let threads take turns as often as they can."""
    usual_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual_s)
