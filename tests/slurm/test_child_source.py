"""The child may run where this package and its Python are not: its source must allow that."""

import ast
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from flagctl.slurm import child, child_keeper, messages

SOURCE = Path(child.__file__)


def test_it_has_the_syntax_of_python_3_9() -> None:
    ast.parse(SOURCE.read_text(encoding="utf-8"), feature_version=(3, 9))


def test_newer_syntax_would_be_found() -> None:
    with pytest.raises(SyntaxError):
        ast.parse("match 1:\n    case _: pass\n", feature_version=(3, 9))


def test_its_annotations_are_never_evaluated() -> None:
    """`int | None` is no expression in Python 3.9."""
    assert "from __future__ import annotations" in SOURCE.read_text(encoding="utf-8")


def test_it_speaks_the_version_of_the_service() -> None:
    assert child.PROTOCOL == messages.PROTOCOL
    assert child.NO_PYSLURM_STATUS == child_keeper.NO_PYSLURM_STATUS


def test_as_a_file_of_its_own_it_says_what_is_missing(tmp_path: Path) -> None:
    copy = tmp_path / "child.py"
    copy.write_bytes(SOURCE.read_bytes())
    done = subprocess.run(
        [sys.executable, "-I", str(copy)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == child.NO_PYSLURM_STATUS
    assert "pyslurm" in done.stderr
    assert done.stdout == ""


def test_a_munge_that_is_away_is_written_where_the_reason_of_a_failure_comes_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    where = tmp_path / "munge.socket"
    monkeypatch.setattr(child, "MUNGE_SOCKET", str(where))
    monkeypatch.setattr(child, "MUNGE_FOLDER", tmp_path)
    child.warn_of_munge()
    assert f"munge does not listen at {where}: No such file" in capsys.readouterr().err
    with socket.socket(socket.AF_UNIX) as munged:
        munged.bind(str(where))
        munged.listen()
        child.warn_of_munge()
        assert capsys.readouterr().err == ""
    child.warn_of_munge()
    assert "Connection refused" in capsys.readouterr().err


def test_without_munge_on_the_host_nothing_is_said_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(child, "MUNGE_SOCKET", str(tmp_path / "munge.socket"))
    monkeypatch.setattr(child, "MUNGE_FOLDER", tmp_path / "etc")
    child.warn_of_munge()
    assert capsys.readouterr().err == ""
