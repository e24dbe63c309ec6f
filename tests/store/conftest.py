"""A control.db made by the real migrations, its writer, and a clock that moves when told."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from flagctl.store.files import DataFiles
from flagctl.store.writing import ControlStore
from tests.store.acts import MovedClock


@pytest.fixture
def files(tmp_path: Path, new_control_db: bytes) -> DataFiles:
    files = DataFiles(tmp_path / "data")
    files.directory.mkdir()
    files.control.write_bytes(new_control_db)
    return files


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@pytest.fixture
def store(files: DataFiles, clock: MovedClock) -> Iterator[ControlStore]:
    store = ControlStore(files, clock, busy_timeout_s=0.2)
    yield store
    store.close()
