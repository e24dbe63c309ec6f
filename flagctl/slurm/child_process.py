"""One child process and its three pipes; every wait has a deadline."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import IO, Final

from flagctl.slurm.messages import LINE_MAX_BYTES, GarbageError

STDERR_KEPT_BYTES: Final = 4096
STDERR_SHOWN_LINES: Final = 4
_READ_BYTES: Final = 1 << 16
_STATUS_WAIT_S: Final = 0.2
"""Between closing its output and being gone."""


class NoAnswerError(Exception):
    """The deadline passed."""


class EndedError(Exception):
    """The process ended; the message says how. `status` is `None` if it only fell silent."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class ChildProcess:
    """A child in a session of its own, so that a wrapper around it is ended with it.

    Start it from a thread that lives as long as the service: the kernel ends the child when the
    thread that started it ends (`flagctl.slurm.child.die_with_parent`).

    Raises:
        OSError: it can't be started.

    """

    def __init__(self, argv: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - the site's own setting, no shell
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env=environment,
            start_new_session=True,
        )
        self._stdin, self._stdout, self._stderr = _pipes(self._process)
        self._unread = bytearray()
        self._words = bytearray()
        self._hears_words = True

    @property
    def pid(self) -> int:
        """Return the number of the process."""
        return self._process.pid

    def has_ended(self) -> bool:
        """Tell whether it ended; one that did is no zombie any more."""
        return self._process.poll() is not None

    def ask(self, line: bytes, deadline_s: float) -> bytes:
        """Send a line and return the line that comes back; deadlines are `time.monotonic()`.

        Raises:
            NoAnswerError: the deadline passed.
            EndedError: the process ended.
            GarbageError: a line came that nobody asked for, or that has no end.

        """
        if not _take(self._stdout, self._unread):
            raise self._ended()
        if self._unread:
            raise GarbageError(f"it spoke unasked: {bytes(self._unread[:120])!r}")
        self._send(line, deadline_s)
        return self.line(deadline_s)

    def line(self, deadline_s: float) -> bytes:
        """Return the next line.

        Raises:
            NoAnswerError, EndedError, GarbageError: as `ask`.

        """
        searched = 0
        while (end := self._unread.find(b"\n", searched)) < 0:
            searched = len(self._unread)
            if searched > LINE_MAX_BYTES:
                raise GarbageError(f"a line has more than {LINE_MAX_BYTES} bytes")
            self._wait(deadline_s)
        line = bytes(self._unread[:end])
        del self._unread[: end + 1]
        return line

    def last_words(self) -> str:
        """Return the last lines that it wrote to standard error, on one line."""
        self._hear()
        lines = [text.strip() for text in self._words.decode(errors="replace").splitlines()]
        return " | ".join([text for text in lines if text][-STDERR_SHOWN_LINES:])

    def forget_words(self) -> None:
        """Begin anew with standard error: what follows belongs to the next call."""
        self._hear()
        self._words.clear()

    def end(self) -> str:
        """Kill it and everything in its session, and return its last words."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        with suppress(ProcessLookupError, PermissionError):
            self._process.kill()
        self._process.wait()
        words = self.last_words()
        for pipe in (self._stdin, self._stdout, self._stderr):
            with suppress(OSError):
                pipe.close()
        return words

    def _send(self, line: bytes, deadline_s: float) -> None:
        rest = memoryview(line)
        while rest:
            try:
                rest = rest[os.write(self._stdin.fileno(), rest) :]
            except BlockingIOError:
                self._wait(deadline_s, for_room=True)
            except BrokenPipeError:
                raise self._ended() from None

    def _wait(self, deadline_s: float, *, for_room: bool = False) -> None:
        """Wait until there is something to read, or room to write, and take what came."""
        poll = select.poll()
        poll.register(self._stdout, select.POLLIN)
        if self._hears_words:
            poll.register(self._stderr, select.POLLIN)
        if for_room:
            poll.register(self._stdin, select.POLLOUT)
        remaining_ms = max(0.0, (deadline_s - time.monotonic()) * 1000)
        ready = {descriptor for descriptor, _ in poll.poll(remaining_ms)}
        if not ready:
            raise NoAnswerError
        if self._stderr.fileno() in ready:
            self._hear()
        if self._stdout.fileno() in ready and not _take(self._stdout, self._unread):
            raise self._ended()

    def _hear(self) -> None:
        """Take what it wrote to standard error, and keep the end of it."""
        if self._hears_words:
            self._hears_words = _take(self._stderr, self._words)
            del self._words[:-STDERR_KEPT_BYTES]

    def _ended(self) -> EndedError:
        try:
            status = self._process.wait(_STATUS_WAIT_S)
        except subprocess.TimeoutExpired:
            return EndedError("it closed its output")
        if status < 0:
            return EndedError(f"it was ended by {signal.Signals(-status).name}", status)
        return EndedError(f"it ended with status {status}", status)


def _pipes(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes], IO[bytes]]:
    stdin, stdout, stderr = process.stdin, process.stdout, process.stderr
    if stdin is None or stdout is None or stderr is None:
        raise AssertionError("asked for three pipes")
    for pipe in (stdin, stdout, stderr):
        os.set_blocking(pipe.fileno(), False)
    return stdin, stdout, stderr


def _take(pipe: IO[bytes], buffer: bytearray) -> bool:
    """Take what lies in a pipe; tell whether more may come."""
    while True:
        try:
            chunk = os.read(pipe.fileno(), _READ_BYTES)
        except BlockingIOError:
            return True
        if not chunk:
            return False
        buffer += chunk
