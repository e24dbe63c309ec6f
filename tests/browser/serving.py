"""The real commands, each in a process of its own, on a socket that the test bound."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2

from flagctl.adapter.sample_policy import SAMPLE
from flagctl.store.files import DataFiles
from tests.runtime.commands import PATH, command
from tests.runtime.tenants import client

OWN_SETTINGS = ("FLAGCTL_", "ZPE_")


class Part:
    """A running `flagctl web` or `flagctl runtime`; whoever asks before it is ready waits."""

    def __init__(self, part: str, files: DataFiles, log: Path, **environment: str) -> None:
        with socket.create_server(("127.0.0.1", 0), backlog=128) as bound, log.open("wb") as lines:
            self.url = f"http://127.0.0.1:{bound.getsockname()[1]}"
            inherited = {
                name: value
                for name, value in os.environ.items()
                if not name.startswith(OWN_SETTINGS)
            }
            own = {"FLAGCTL_DATA_DIR": str(files.directory), "FLAGCTL_PUBLIC_URL": self.url}
            self.process = subprocess.Popen(
                [sys.executable, "-m", "flagctl", part, "--fd", str(bound.fileno()), "--json"],
                env={**inherited, **own, **environment},
                pass_fds=(bound.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=lines,
            )

    def stop(self) -> None:
        # At once: what it keeps goes with the test's directory.
        self.process.kill()
        self.process.wait()


class Runtime(Part):
    """A runtime, and a client that submits jobs to it."""

    def __init__(self, files: DataFiles, secret: str, log: Path, **environment: str) -> None:
        super().__init__(
            "runtime", files, log, **{"ZPE_SLURM_POLICY_PATH": str(SAMPLE), **environment}
        )
        self._spool = files.spool
        self._http = client(self.url, secret)

    def adapter_of(self, job: str) -> str:
        """Submit a job; return which adapter decided about it, as the node will read it."""
        answer = self.submit(job)
        waiting = [json.loads(path.read_bytes()) for path in self._spool.glob("*.json")]
        mine = [
            order for order in waiting if order["submission_id"] == answer.json()["submission_id"]
        ]
        boundary: dict[str, Any] = mine[0]["boundary"]
        return str(boundary["adapter"])

    def submit(self, job: str, **changes: Any) -> httpx2.Response:
        """Submit a job, which must be accepted."""
        answer = self._http.post(PATH, json=command(job_id=job, idempotency_key=job, **changes))
        assert answer.status_code == httpx2.codes.ACCEPTED, answer.text
        return answer

    def is_ready(self) -> bool:
        """Tell whether it takes submissions, by its own word."""
        return self._http.get("/api/ready").status_code == httpx2.codes.OK

    def openapi(self) -> bytes:
        """Return the document that tells clients what it takes and gives."""
        return self._http.get("/openapi.json").content

    def wait(self) -> None:
        """Wait until it answers, and so until it was heard of."""
        assert self._http.get("/api/health").status_code == httpx2.codes.OK

    def stop(self) -> None:
        self._http.close()
        super().stop()


class Stage:
    """Where web processes look for their data, and those processes.

    Starting one costs more than most tests; as a restore may put other files in place at any
    time, each test can put its own there.
    """

    def __init__(self, directory: Path) -> None:
        self.data = directory / "data"
        self._directory = directory
        self._webs: dict[str, Part] = {}

    def show(self, directory: Path) -> None:
        """Let everything that is asked for from now on be found in `directory`."""
        link = self._directory / "next"
        link.symlink_to(directory)
        link.replace(self.data)

    def web(self, files: DataFiles, environment: str) -> Part:
        """Return the web process of this environment, started when it is first asked for."""
        if environment not in self._webs:
            log = self._directory / f"{environment}.log"
            part = Part("web", files, log, FLAGCTL_ENVIRONMENT=environment)
            self._webs[environment] = part
        return self._webs[environment]

    def close(self) -> None:
        for part in self._webs.values():
            part.stop()
