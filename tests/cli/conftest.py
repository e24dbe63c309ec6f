"""A terminal on a data directory that is ready."""

from pathlib import Path

import pytest

from flagctl.store.connection import open_connection
from flagctl.store.files import DataFiles
from flagctl.store.migrate import upgrade
from tests.cli.terminal import Terminal


@pytest.fixture(scope="session")
def new_control_db(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    files = DataFiles(tmp_path_factory.mktemp("made"))
    upgrade(files)
    connection = open_connection(files.control)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return files.control.read_bytes()


@pytest.fixture
def terminal(tmp_path: Path, new_control_db: bytes) -> Terminal:
    made = Terminal(tmp_path / "var")
    made.files.directory.mkdir()
    made.files.control.write_bytes(new_control_db)
    return made
