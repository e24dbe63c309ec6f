"""An adapter as a service gets one: from the environment, and nothing else."""

from collections.abc import Callable
from pathlib import Path

import pytest

from flagctl.adapter import SlurmAdapter

POLICIES = Path(__file__).with_name("policies")

AdapterIn = Callable[..., SlurmAdapter]


@pytest.fixture
def adapter_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AdapterIn:
    """Make the adapter of a process whose environment pins `mode`; `policy` is a file's name."""

    def make(mode: str, policy: str | Path | None = None) -> SlurmAdapter:
        monkeypatch.setenv("FLAGCTL_DATA_DIR", str(tmp_path))
        monkeypatch.setenv("ZPE_SLURM_ADAPTER", mode)
        monkeypatch.delenv("ZPE_SLURM_POLICY_PATH", raising=False)
        if policy is not None:
            monkeypatch.setenv("ZPE_SLURM_POLICY_PATH", str(POLICIES / policy))
        return SlurmAdapter.from_settings()

    return make
