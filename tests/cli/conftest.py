"""A terminal on a data directory that is ready."""

from pathlib import Path

import pytest

from tests.cli.terminal import Terminal


@pytest.fixture
def terminal(tmp_path: Path, new_control_db: bytes) -> Terminal:
    made = Terminal(tmp_path / "var")
    made.files.directory.mkdir()
    made.files.control.write_bytes(new_control_db)
    return made
