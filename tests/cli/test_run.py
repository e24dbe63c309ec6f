"""Whatever happens in a command becomes a message and an exit code."""

import signal
import subprocess

import pytest

from flagctl.cli import status
from flagctl.cli.run import run
from flagctl.vocabulary import Mode
from tests.cli.terminal import FLAGCTL, Terminal

SAFE = next(iter(Mode))


@pytest.fixture
def broken_status(monkeypatch: pytest.MonkeyPatch) -> None:
    def report(**_options: bool) -> int:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(status, "report", report)


@pytest.mark.usefixtures("broken_status")
def test_a_fault_of_ours_is_one_line_that_says_how_to_see_more(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["status"]) == 1
    told = capsys.readouterr().err
    assert told.startswith("flagctl: ZeroDivisionError: by zero. This is a fault of flagctl")
    assert "flagctl --traceback status" in told
    assert len(told.splitlines()) == 1


@pytest.mark.usefixtures("broken_status")
def test_with_traceback_it_says_where(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--traceback", "status"]) == 1
    assert "raise ZeroDivisionError" in capsys.readouterr().err


def test_help_names_every_command_and_exit_code(terminal: Terminal) -> None:
    text = terminal.do("--help").out
    for word in ("up", "web", "runtime", "status", "rollback", "raise", "end", "extend"):
        assert f"  {word} " in text
    assert "7 refused" in " ".join(text.split())


def test_without_a_command_it_shows_the_help_and_exits_as_usage(terminal: Terminal) -> None:
    answer = terminal.type()
    assert answer.code == 2
    assert "Commands:" in answer.err


def test_whoever_stops_reading_gets_no_traceback(terminal: Terminal) -> None:
    for number in range(3):
        terminal.do("rollback", SAFE, "--reason", f"number {number}")
    pipe = f"{' '.join(FLAGCTL)} audit export | head -c 1; echo ${{PIPESTATUS[0]}}"
    ran = subprocess.run(
        ["bash", "-c", pipe], env=terminal.environment, capture_output=True, text=True, check=True
    )
    assert ran.stderr == ""


def test_ctrl_c_while_waiting_says_so_and_the_act_stands(terminal: Terminal) -> None:
    process = subprocess.Popen(
        [*FLAGCTL, "rollback", SAFE, "--reason", "slow", "--wait", "60s"],
        env=terminal.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert "as revision 1" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted" in told
    assert "Traceback" not in told
    assert terminal.do("status", "--json").json["by_flags"] == SAFE


def test_python_m_flagctl_is_the_same_command_from_anywhere(terminal: Terminal) -> None:
    ran = subprocess.run(
        [*FLAGCTL, "--version"],
        env=terminal.environment,
        cwd=terminal.files.directory,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.startswith("flagctl ")
