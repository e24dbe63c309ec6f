import os
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flagctl.adapter import (
    SlurmAdapter,
    SlurmPolicyConfigError,
    SlurmRealAdapterPreconditionError,
)
from flagctl.adapter.policy_file import PolicyFile
from flagctl.adapter.sample_policy import SAMPLE
from flagctl.domain.change import Actor, EndRollback, RollBack
from flagctl.domain.gate import Facts
from flagctl.errors import Code, MisconfiguredError
from flagctl.settings import Settings
from flagctl.store.files import DataFiles
from flagctl.store.migrate import upgrade
from flagctl.store.mode_reader import ModeReader
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Door, Mode, Role, Source

ALICE = Actor("os:alice", Role.ADMIN, Door.CLI)


def in_another_process(work: Callable[[], object]) -> None:
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:
            os._exit(1)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0


def test_a_flip_by_another_process_is_what_the_next_resolution_follows(tmp_path: Path) -> None:
    files = DataFiles(tmp_path)
    upgrade(files)

    def apply(change: RollBack | EndRollback) -> None:
        store = ControlStore(files, lambda: datetime.now(UTC))
        in_another_process(lambda: store.apply(change, ALICE, Facts()))

    with closing(ModeReader(tmp_path)) as reader:
        adapter = SlurmAdapter(reader=reader, policy=PolicyFile(SAMPLE))
        assert adapter.resolve("unknown").resolved_queue == "standard"
        apply(RollBack(Mode.PASSTHROUGH, reason="the queue policy is wrong"))
        assert adapter.resolve("unknown").resolved_queue == "unknown"
        assert adapter.effective().source is Source.ROLLBACK_FLAG
        apply(EndRollback(reason="mended", no_follow_up="it was a typo", revision=1))
        assert adapter.resolve("unknown").resolved_queue == "standard"


def test_a_process_without_any_settings_answers_as_passthrough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ZPE_SLURM_ADAPTER", "ZPE_SLURM_POLICY_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FLAGCTL_DATA_DIR", str(tmp_path))
    adapter = SlurmAdapter.from_settings()
    assert adapter.effective().mode is Mode.STUB_POLICY
    assert adapter.resolve("anything").adapter is Mode.PASSTHROUGH


@pytest.mark.parametrize("mode", ["None", "stub", "REAL-POLICY", "real-policy"])
def test_a_pin_that_can_t_be_used_refuses_to_start_and_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    monkeypatch.setenv("FLAGCTL_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("ZPE_SLURM_ADAPTER", mode)
    monkeypatch.delenv("ZPE_SLURM_POLICY_PATH", raising=False)
    with pytest.raises(SlurmPolicyConfigError, match=r"ZPE_SLURM_ADAPTER=.*start again") as caught:
        SlurmAdapter.from_settings()
    assert caught.value.code is MisconfiguredError.code is Code.MISCONFIGURED


def test_a_process_pinned_to_real_policy_without_a_store_does_not_run_it_on_ignorance(
    tmp_path: Path,
) -> None:
    settings = Settings(data_dir=tmp_path, adapter_pin=Mode.REAL_POLICY, policy_path=SAMPLE)
    adapter = SlurmAdapter.from_settings(settings)
    assert adapter.effective().configured is Mode.REAL_POLICY
    assert adapter.resolve("standard").adapter is Mode.STUB_POLICY


def test_a_process_pinned_to_real_policy_refuses_every_queue_until_slurm_is_connected(
    tmp_path: Path,
) -> None:
    upgrade(DataFiles(tmp_path))
    with closing(ModeReader(tmp_path, Mode.REAL_POLICY)) as reader:
        adapter = SlurmAdapter(reader=reader, policy=PolicyFile(SAMPLE))
        assert adapter.effective().mode is Mode.REAL_POLICY
        with pytest.raises(SlurmRealAdapterPreconditionError, match="flagctl rollback stub-policy"):
            adapter.resolve("standard")


def test_a_relative_policy_path_means_the_directory_that_the_process_started_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "policy.json").write_bytes(SAMPLE.read_bytes())
    monkeypatch.chdir(tmp_path)
    file = PolicyFile(Path("policy.json"))
    monkeypatch.chdir("/")
    assert file.path == tmp_path / "policy.json"
