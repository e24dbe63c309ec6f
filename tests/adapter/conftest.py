"""A policy file on disk, and a clock for it that the test moves."""

from pathlib import Path

import pytest

from flagctl.adapter.sample_policy import SAMPLE
from tests.adapter.policies import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "policy.json"
    path.write_bytes(SAMPLE.read_bytes())
    return path
