"""Runtime processes on one data directory, started, asked and killed by a test."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2

from flagctl.adapter.sample_policy import SAMPLE
from flagctl.store.files import DataFiles
from tests.runtime.commands import PATH, command
from tests.runtime.serve import WAIT
from tests.runtime.tenants import client
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]


class Served:
    """One runtime process. Its log is the file `log`; requests carry the token."""

    def __init__(
        self,
        files: DataFiles,
        secret: str,
        log: Path,
        fault: str = "none",
        wrapper: tuple[str, ...] = (),
        **environment: str,
    ) -> None:
        self.log = log
        with socket.create_server(("127.0.0.1", 0), backlog=512) as listening:
            self.port = listening.getsockname()[1]
            descriptor = listening.fileno()
            with log.open("ab") as errors:
                self.process = subprocess.Popen(
                    [
                        *wrapper,
                        sys.executable,
                        "-m",
                        "tests.runtime.serve",
                        str(descriptor),
                        fault,
                    ],
                    cwd=ROOT,
                    env=_environment(files.directory, environment),
                    pass_fds=(descriptor,),
                    stderr=errors,
                )
        self.http = client(f"http://127.0.0.1:{self.port}", secret)

    def submit(self, **changes: Any) -> httpx2.Response:
        return self.http.post(PATH, json=command(**changes))

    def is_up(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            return self.http.get("/api/health").status_code == httpx2.codes.OK
        except httpx2.TransportError:
            return False

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(timeout=60)
        self.http.close()

    def logged(self, event: str) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [line for line in lines if line["event"] == event]


def _environment(directory: Path, changes: dict[str, str]) -> dict[str, str]:
    own = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("FLAGCTL_", "ZPE_"))
    }
    return {
        **own,
        "FLAGCTL_DATA_DIR": str(directory),
        "ZPE_SLURM_POLICY_PATH": str(SAMPLE),
        WAIT: "60",
        **changes,
    }


def up(served: Served) -> Served:
    wait_until(served.is_up)
    return served
