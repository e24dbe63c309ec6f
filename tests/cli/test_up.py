"""`flagctl up`: what a newcomer starts first, end to end."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from flagctl.vocabulary import Action, Mode
from tests.cli.terminal import FLAGCTL, Terminal
from tests.waiting import wait_until

SAFE, STUB, REAL = Mode


class Up:
    """A running `flagctl up` and what it printed."""

    def __init__(self, terminal: Terminal, log: Path) -> None:
        self.log = log
        with log.open("wb") as lines:
            self.process = subprocess.Popen(
                [*FLAGCTL, "up", "--web-port", "0", "--runtime-port", "0", "--json"],
                env=terminal.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=lines,
                text=True,
                process_group=0,
            )
        assert self.process.stdout is not None
        self.told: dict[str, str] = json.loads(self.process.stdout.readline())

    def children(self) -> dict[str, int]:
        """The processes that it started, by the command that they run."""
        pid = self.process.pid
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        commands = {int(child): command_of(int(child)) for child in listed}
        return {words[3]: child for child, words in commands.items() if len(words) > 3}

    def submit(self) -> dict[str, Any]:
        """Run the printed line in a shell, as somebody who pastes it."""
        ran = subprocess.run(
            ["bash", "-c", self.told["curl"]], check=True, capture_output=True, text=True
        )
        answer: dict[str, Any] = json.loads(ran.stdout)
        return answer

    def adapter_of(self, trace_id: str) -> str:
        """The adapter that answered, as the log tells."""

        def logged() -> list[str]:
            found = []
            for line in self.log.read_text().splitlines():
                event = json_part(line)
                if event.get("trace_id") == trace_id and "slurm_adapter" in event:
                    found.append(str(event["slurm_adapter"]))
            return found

        return wait_until(logged)[0]

    def stop(self, how: signal.Signals) -> int:
        self.process.send_signal(how)
        return self.process.wait(30)


def command_of(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:
        return []


def json_part(line: str) -> dict[str, Any]:
    _, _, text = line.partition("| ")
    try:
        event = json.loads(text)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@contextmanager
def started(directory: Path) -> Iterator[tuple[Terminal, Up]]:
    terminal = Terminal(directory / "var")
    up = Up(terminal, directory / "log")
    try:
        yield terminal, up
    finally:
        if up.process.poll() is None:
            up.process.kill()
            up.process.wait()
        assert up.process.stdout is not None
        up.process.stdout.close()


def test_a_job_goes_the_other_way_after_a_rollback_and_the_trail_tells_it(tmp_path: Path) -> None:
    with started(tmp_path) as (terminal, up):
        before = up.submit()
        rolled_back = terminal.do("rollback", SAFE, "--reason", "a first try", "--wait", "10s")
        after = up.submit()
        assert "1 of 1 process heard of on this host follows" in rolled_back.out
        assert up.adapter_of(before["trace_id"]) == STUB
        assert up.adapter_of(after["trace_id"]) == SAFE
        sentences = [event["sentence"] for event in terminal.do("audit", "list", "--json").json]
        assert any(f"rolled back {STUB} → {SAFE} as revision 1" in each for each in sentences)
        assert len(list(terminal.files.spool.iterdir())) == 2


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_stops_all_of_it(tmp_path: Path, how: signal.Signals) -> None:
    with started(tmp_path) as (_, up):
        children = up.children()
        assert set(children) == {"web", "runtime"}
        assert httpx2.get(f"{up.told['runtime']}/api/health", timeout=30).status_code == 200
        assert httpx2.get(f"{up.told['web']}/healthz", timeout=30).status_code == 200
        os.killpg(up.process.pid, how)  # as a terminal does
        assert up.process.wait(30) == 0
        assert not any(is_alive(pid) for pid in children.values())
        assert "Traceback" not in up.log.read_text()


def test_killing_the_parent_leaves_no_orphan(tmp_path: Path) -> None:
    with started(tmp_path) as (_, up):
        children = up.children()
        up.stop(signal.SIGKILL)
        wait_until(lambda: not any(is_alive(pid) for pid in children.values()))


def test_a_part_that_dies_is_started_again_on_the_same_port(tmp_path: Path) -> None:
    with started(tmp_path) as (_, up):
        before = up.children()["runtime"]
        os.kill(before, signal.SIGKILL)
        wait_until(lambda: up.children().get("runtime", before) != before)
        answer = httpx2.get(f"{up.told['runtime']}/api/health", timeout=30)
        assert answer.status_code == 200
        assert "ended (signal 9)" in up.log.read_text()


def test_starting_again_replaces_the_token_of_the_start_before(tmp_path: Path) -> None:
    with started(tmp_path) as (terminal, up):
        first = up.told["token"]
        up.stop(signal.SIGTERM)
    with started(tmp_path) as (terminal, up):
        assert up.told["token"] != first
        assert "submission_id" in up.submit()
        refused = httpx2.post(
            f"{up.told['runtime']}/api/runtime/jobs:submit",
            headers={"Authorization": f"Bearer {first}"},
            json={},
        )
        assert refused.status_code == 401
        actions = [event["action"] for event in terminal.do("audit", "list", "--json").json]
        assert actions.count(Action.TOKEN_ISSUED) == 2
        assert Action.TOKEN_REVOKED not in actions


def test_a_taken_port_is_said_before_anything_is_started(tmp_path: Path) -> None:
    with started(tmp_path) as (_, up):
        port = up.told["web"].rpartition(":")[2]
        other = Terminal(tmp_path / "other")
        answer = other.type("up", "--web-port", port, "--runtime-port", "0")
        assert answer.code == 2
        assert f"Port {port} on 127.0.0.1 can't be taken" in answer.err
        assert "--web-port" in answer.err
        assert not other.files.directory.exists()
