"""A running `flagctl up`, and what it started."""

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.cli.terminal import FLAGCTL, Terminal
from tests.waiting import wait_until


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
        return self.process.wait(60)


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
