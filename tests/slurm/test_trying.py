"""`make slurm-run`: flagctl on a real Slurm, and nothing of either stays."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from flagctl.vocabulary import LADDER
from tests.slurm.cluster.running import Cluster
from tests.slurm.cluster.tree import CHECKOUT
from tests.slurm.test_cluster import DAEMONS, alive, processes_of
from tests.waiting import wait_until

pytestmark = pytest.mark.slurm

TOP = LADDER[-1]
SACCT = "inside sacct -X -n -P -S now-1hour -o JobName,State"
COMMAND = (sys.executable, "-m", "tests.slurm.cluster", "run")


class Trying:
    """A running `make slurm-run`, and what it printed."""

    def __init__(self, data: Path, log: Path, cache: Path) -> None:
        self.log = log
        self.environment = {
            **os.environ,
            "FLAGCTL_DATA_DIR": str(data),
            "SLURM_TEST_CACHE": str(cache),
        }
        with log.open("wb") as lines:
            self.process = subprocess.Popen(
                [*COMMAND, "--web-port", "0", "--runtime-port", "0", "--json"],
                cwd=CHECKOUT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=lines,
                text=True,
                process_group=0,
            )
        assert self.process.stdout
        self.told: dict[str, str] = json.loads(self.process.stdout.readline())
        self.pids = processes_of(self.process.pid)

    def inside(self, command: str) -> str:
        """Type a line at the prompt of somebody who pasted what was printed."""
        pasted = next(line for line in self.log.read_text().splitlines() if "inside()" in line)
        return subprocess.run(
            ["bash", "-c", f"{pasted.strip()}\n{command}"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    def flagctl(self, *words: str) -> str:
        """Type a command as the person who tries it, and return what it printed."""
        command = [sys.executable, "-m", "flagctl", *words]
        ran = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=False
        )
        return ran.stdout

    def submit(self) -> dict[str, str]:
        """Paste the curl line."""
        ran = subprocess.run(
            ["bash", "-c", self.told["curl"]], check=True, capture_output=True, text=True
        )
        answer: dict[str, str] = json.loads(ran.stdout)
        return answer


@contextmanager
def trying(folder: Path, cluster: Cluster) -> Iterator[Trying]:
    running = Trying(folder / "data", folder / "log", cluster.tree.parent)
    try:
        yield running
    finally:
        running.process.kill()
        running.process.communicate()
        wait_until(lambda: not alive(running.pids))


def test_it_runs_the_service_on_a_real_slurm_and_says_how_to_look_into_it(
    tmp_path: Path, cluster: Cluster
) -> None:
    with trying(tmp_path, cluster) as running:
        assert httpx2.get(f"{running.told['web']}/healthz", timeout=60).status_code == 200
        assert httpx2.get(f"{running.told['runtime']}/api/health", timeout=60).status_code == 200
        assert "short" in running.inside("inside sinfo --noheader")
        assert "flagctl cutover real-policy" in running.log.read_text()
        (slurmctld,) = re.findall(r"kill -STOP (\d+)", running.log.read_text())
        assert Path(f"/proc/{slurmctld}/comm").read_text().strip() == "slurmctld"
        wait_until(lambda: "8 of 8 ok" in running.flagctl("preflight"))
        why = ("--owner", "me", "--reason", "a first try", "--expires", "1d")
        assert TOP in running.flagctl("cutover", TOP, *why, "--revision", "0")
        submission_id = running.submit()["submission_id"]
        wait_until(lambda: f"{submission_id}|COMPLETED" in running.inside(SACCT))


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_whatever_ends_it_ends_all_of_it(
    tmp_path: Path, cluster: Cluster, how: signal.Signals
) -> None:
    with trying(tmp_path, cluster) as running:
        names = {Path(f"/proc/{pid}/comm").read_text().strip() for pid in running.pids}
        assert names >= DAEMONS
        to_all = os.kill if how is signal.SIGKILL else os.killpg  # as a terminal does
        to_all(running.process.pid, how)
        code = running.process.wait(60)
        assert code == (-how if how is signal.SIGKILL else 0)
        wait_until(lambda: not alive(running.pids))
        assert "Traceback" not in running.log.read_text()
