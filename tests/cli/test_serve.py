"""`flagctl web` and `flagctl runtime`: one part each, as a service manager runs them."""

import json
import signal
import subprocess
from pathlib import Path

import httpx2
import pytest

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
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    assert "Traceback" not in log.read_text()
