"""A control.db made by the real migrations, its writer, and a clock that moves when told."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from flagctl.errors import ConflictError
from flagctl.store.files import DataFiles
from flagctl.store.writing import ControlStore
from tests.store.acts import MovedClock, end_rollback, roll_back


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


@pytest.fixture
def trail(store: ControlStore) -> ControlStore:
    """Five events: two rollbacks, the end of each, and a refusal between them."""
    roll_back(store)
    end_rollback(store, 1)
    with pytest.raises(ConflictError):
        end_rollback(store, 2)
    roll_back(store)
    end_rollback(store, 3)
    store.close()
    return store
