"""Several commands of our own run as children: restarted when one dies, stopped together."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, Final

from flagctl.present.wording import printable

BACK_OFF_S: Final = 0.5
BACK_OFF_MAX_S: Final = 30.0
STEADY_AFTER_S: Final = 60.0
"""Who lived so long did not fail at start: the next restart is quick again."""

LOOK_EVERY_S: Final = 0.1
STOP_WITHIN_S: Final = 12.0
"""A little more than the children give their requests."""


@dataclass(slots=True)
class Child:
    """One command to keep running. `fds` are inherited; its standard input is its lifeline."""

    name: str
    words: Sequence[str]
    environment: Mapping[str, str]
    fds: tuple[int, ...]
    process: subprocess.Popen[bytes] | None = None
    reader: threading.Thread | None = None
    started_s: float = 0.0
    back_off_s: float = BACK_OFF_S
    retry_at_s: float = 0.0

    def keep_alive(self, now_s: float) -> None:
        """Start the child when it is not there and its time has come; `now_s` only grows."""
        if self.process is not None:
            self._notice_end(self.process, now_s)
        elif now_s >= self.retry_at_s:
            self._start(now_s)

    def _start(self, now_s: float) -> None:
        self.process = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", "flagctl", *self.words],
            env=dict(self.environment),
            pass_fds=self.fds,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            # Ctrl-C reaches every process of the terminal; the parts are stopped by us alone.
            process_group=0,
        )
        self.started_s = now_s
        assert self.process.stdout is not None  # noqa: S101 - it is a pipe
        output = self.process.stdout
        self.reader = threading.Thread(target=_pass_on, args=(self.name, output), daemon=True)
        self.reader.start()

    def _notice_end(self, process: subprocess.Popen[bytes], now_s: float) -> None:
        code = process.poll()
        if code is None:
            return
        if now_s - self.started_s >= STEADY_AFTER_S:
            self.back_off_s = BACK_OFF_S
        self.process, self.retry_at_s = None, now_s + self.back_off_s
        _tell(self.name, f"ended ({_how(code)}); it starts again in {self.back_off_s:g} s")
        self.back_off_s = min(2 * self.back_off_s, BACK_OFF_MAX_S)

    def stop(self, deadline_s: float) -> None:
        """Wait for the end, which was asked for; force it when the deadline is over."""
        if self.process is None:
            return
        try:
            self.process.wait(max(0.0, deadline_s - time.monotonic()))
        except subprocess.TimeoutExpired:
            _tell(self.name, "does not stop; it is killed")
            self.process.kill()
            self.process.wait()
        if self.reader is not None:
            self.reader.join(1.0)


@dataclass(slots=True)
class Supervisor:
    """Keeps children running until it is told to stop, by a signal or by `stop`."""

    children: Sequence[Child]
    _stopping: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(each, lambda *_: self._stopping.set())

    def run(self) -> None:
        """Keep the children running; return when all of them are gone."""
        try:
            while not self._stopping.wait(LOOK_EVERY_S):
                self.look()
        finally:
            self.stop()

    def look(self) -> bool:
        """Start who is missing; return whether to go on."""
        for child in self.children:
            child.keep_alive(time.monotonic())
        return not self._stopping.is_set()

    def stop(self) -> None:
        """Ask all children to end, then see to it."""
        running = [child.process for child in self.children if child.process is not None]
        for process in running:
            process.terminate()
        deadline_s = time.monotonic() + STOP_WITHIN_S
        for child in self.children:
            child.stop(deadline_s)


def _pass_on(name: str, output: IO[bytes]) -> None:
    for line in output:
        _tell(name, line.decode(errors="backslashreplace").rstrip("\n"))


def _tell(name: str, line: str) -> None:
    # When nobody reads us any more, the children must still be read, or they would block.
    with suppress(OSError):
        sys.stderr.write(f"{name:<7} | {printable(line)}\n")
        sys.stderr.flush()


def _how(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"signal {-code}"
