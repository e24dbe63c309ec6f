"""Every command of the runbook runs, as it is written, on a real data directory."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from flagctl.settings import Settings, setting_lines
from tests.docs.runbook import RUNBOOK, Block, Section, sections
from tests.waiting import wait_until

TEXT = RUNBOOK.read_text(encoding="utf-8")
SECTIONS = sections(TEXT)
DEADLINE_S = 120
A_LIVE_RUNTIME = "a live runtime"
EXITS = {"sh refused": 7, "sh unready": 5}


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A new data directory, and `flagctl` on PATH as an installation has it."""
    bin_dir = tmp_path / "bin"
    bin_dir.mkdir()
    command = bin_dir / "flagctl"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m flagctl "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    path = f"{bin_dir}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "FLAGCTL_DATA_DIR": str(tmp_path / "data")}
    env["PYTHONPATH"] = str(RUNBOOK.parents[1])
    return env


def run(text: str, env: dict[str, str], cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-euc", text],
        env=env,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )


def run_on_a_terminal(text: str, env: dict[str, str], cwd: Path) -> tuple[int, str]:
    """Run as a person does: at a terminal, answering y when asked."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        ["bash", "-euc", text], env=env, cwd=cwd, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    os.write(ours, b"y\n")
    output = b""
    while select.select([ours], [], [], DEADLINE_S)[0]:
        try:
            chunk = os.read(ours, 65536)
        except OSError:  # the terminal's other end is closed
            break
        if not chunk:
            break
        output += chunk
    os.close(ours)
    return process.wait(DEADLINE_S), output.decode()


@contextmanager
def live_runtime(env: dict[str, str], cwd: Path) -> Iterator[None]:
    """Run a real runtime until it is heard of."""
    process = subprocess.Popen(
        ["flagctl", "runtime", "--port", "0"], env=env, cwd=cwd, stderr=subprocess.DEVNULL
    )
    try:
        wait_until(lambda: '"live": 1' in run("flagctl status --json", env, cwd).stdout)
        yield
    finally:
        process.terminate()
        process.wait(DEADLINE_S)


def check(block: Block, env: dict[str, str], cwd: Path) -> None:
    if block.given == A_LIVE_RUNTIME:
        with live_runtime(env, cwd):
            check(replace(block, given=""), env, cwd)
        return
    if block.given:
        given = run(block.given, env, cwd)
        assert given.returncode == 0, given.stderr
    if block.kind == "sh terminal":
        status, output = run_on_a_terminal(block.text, env, cwd)
    else:
        done = run(block.text, env, cwd)
        status, output = done.returncode, done.stdout + done.stderr
    expected = EXITS.get(block.kind, 0)
    assert status == expected, f"{block.text}\nended with {status}:\n{output}"


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.title)
def test_every_command_of_the_section_works_as_written(
    section: Section, environment: dict[str, str], tmp_path: Path
) -> None:
    assert shutil.which("bash")
    assert run("flagctl db upgrade", environment, tmp_path).returncode == 0
    for block in section.blocks:
        check(block, environment, tmp_path)


@pytest.mark.parametrize("name", [line.name for line in setting_lines(Settings(), {})])
def test_every_setting_is_documented(name: str) -> None:
    assert f"| `{name}` |" in TEXT.split("## Settings", 1)[1]
