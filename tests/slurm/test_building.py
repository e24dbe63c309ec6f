"""A cluster that can't be built says so, with the reason, and `.ci/run` says what it needs."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.slurm.cluster import __main__ as command
from tests.slurm.cluster import tree
from tests.slurm.cluster.tree import CHECKOUT

CI_RUN = CHECKOUT / ".ci" / "run"


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that goes before all others on the PATH."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder


@pytest.fixture
def as_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(sys, "argv", ["cluster", "build"])
    monkeypatch.setenv("SLURM_TEST_CACHE", str(tmp_path / "cache"))


def pretend(programs: Path, name: str, script: str) -> None:
    """Let a program of this name do something else."""
    program = programs / name
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)


def pretend_tools(programs: Path, **scripts: str) -> None:
    """Let nothing that builds the tree do anything."""
    for name in ("mmdebstrap", "unshare", "nsenter", "apt-get"):
        pretend(programs, name, scripts.get(name.replace("-", "_"), "true"))


@pytest.mark.usefixtures("as_root")
def test_packages_that_can_not_be_had_fail_the_build_with_what_was_said(
    programs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(tree, "_downloaded_pyslurm", lambda folder: folder)
    pretend_tools(
        programs,
        apt_get="echo mirror forky",
        unshare="echo 'E: Unable to locate package slurmctld' >&2; exit 100",
    )
    assert command.main() == 1
    said = capsys.readouterr().err
    assert "can't be built: packages failed" in said
    assert "Unable to locate package slurmctld" in said
    assert not list((tmp_path / "cache").glob("tree-*[0-9a-f]"))


@pytest.mark.usefixtures("as_root")
def test_a_machine_without_an_archive_is_told_what_it_lacks(
    programs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tree, "_downloaded_pyslurm", lambda folder: folder)
    pretend_tools(programs)
    assert command.main() == 1
    assert "apt names no Debian archive" in capsys.readouterr().err


def test_without_root_the_build_says_that_root_is_needed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(sys, "argv", ["cluster", "build"])
    assert command.main() == 1
    assert "needs root" in capsys.readouterr().err


def test_ci_without_root_says_so_before_anything_else(programs: Path) -> None:
    pretend(programs, "id", "echo 1000")
    pretend(programs, "make", "echo make was called")
    done = subprocess.run(["bash", str(CI_RUN)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "needs root" in done.stderr
    assert "make was called" not in done.stdout


def test_ci_runs_the_tests_on_the_real_cluster_after_all_others() -> None:
    steps = re.findall(r'^step "[^"]+" (.+)$', CI_RUN.read_text(encoding="utf-8"), re.MULTILINE)
    assert steps[-2:] == ["make test", "make slurm-test"]
