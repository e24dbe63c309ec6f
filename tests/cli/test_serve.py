"""`flagctl web` and `flagctl runtime`: one part each, as a service manager runs them."""

import json
import signal
import socket
import subprocess
from pathlib import Path

import httpx2
import pytest

from flagctl.domain.process import ProcessReport
from flagctl.store.heard import heard_of
from tests.cli.terminal import FLAGCTL, Terminal
from tests.waiting import wait_until


def answers(url: str) -> bool:
    try:
        return httpx2.get(url).status_code in (200, 404)
    except httpx2.TransportError:
        return False


@pytest.mark.parametrize("part", ["web", "runtime"])
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_part_well_and_leaves_no_fault_in_its_log(
    terminal: Terminal, tmp_path: Path, part: str, how: signal.Signals
) -> None:
    log = tmp_path / "log"
    with log.open("wb") as lines:
        process = subprocess.Popen(
            [*FLAGCTL, part, "--port", "0", "--json"],
            env=terminal.environment,
            stdout=subprocess.PIPE,
            stderr=lines,
            text=True,
        )
    assert process.stdout is not None
    try:
        url = json.loads(process.stdout.readline())["url"]
        wait_until(lambda: answers(f"{url}/healthz"))
        process.send_signal(how)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    assert "Traceback" not in log.read_text()


def test_several_workers_answer_on_one_port_and_end_together(terminal: Terminal) -> None:
    process = subprocess.Popen(
        [*FLAGCTL, "runtime", "--port", "0", "--workers", "2", "--json"],
        env=terminal.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    try:
        url = json.loads(process.stdout.readline())["url"]
        wait_until(lambda: len(live_processes(terminal)) == 2)
        assert httpx2.get(f"{url}/api/health", timeout=60).status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    wait_until(lambda: not live_processes(terminal))


def live_processes(terminal: Terminal) -> list[ProcessReport]:
    return heard_of(terminal.files)


def test_a_taken_port_is_said_with_the_option_that_chooses_another(terminal: Terminal) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        answer = terminal.type("runtime", "--port", port)
    assert answer.code == 2
    assert f"Port {port} on 127.0.0.1 can't be taken: Address already in use" in answer.err
    assert "choose another with --port" in answer.err
