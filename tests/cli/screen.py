"""A pseudo-terminal with a command in it: what somebody sees and types."""

import os
import pty
import select
import subprocess
import time
from codecs import getincrementaldecoder
from collections.abc import Iterator
from contextlib import contextmanager

from tests.cli.terminal import FLAGCTL, Terminal

PATIENCE_S = 60


class Screen:
    """A pseudo-terminal with a command in it, and what was written on it so far."""

    def __init__(self, terminal: Terminal, *words: str) -> None:
        self.side, other = pty.openpty()
        self.process = subprocess.Popen(
            # Makes it the controlling terminal, so that Ctrl-C is a signal.
            ["setsid", "--ctty", *FLAGCTL, *words],
            env=terminal.environment,
            stdin=other,
            stdout=other,
            stderr=other,
        )
        os.close(other)
        self.text = ""
        self._decoder = getincrementaldecoder("utf-8")()

    def read_until(self, wanted: str) -> None:
        end = time.monotonic() + PATIENCE_S
        while wanted not in self.text:
            assert time.monotonic() < end, f"{wanted!r} did not come: {self.text!r}"
            self._read()

    def press(self, keys: str) -> None:
        os.write(self.side, keys.encode())

    def rest(self, keys: str = "") -> str:
        """What it writes until it ends; `keys` are pressed, again whenever it stays silent.

        A Ctrl-C between the question and the moment Python waits for its answer is not heard:
        Python notes the signal and goes to sleep.
        """
        end = time.monotonic() + PATIENCE_S
        self.press(keys)
        while (more := self._read()) is not False:
            assert time.monotonic() < end, f"it does not end: {self.text!r}"
            if more is None:
                self.press(keys)
        self.process.wait(PATIENCE_S)
        return self.text

    def _read(self) -> bool | None:
        """Read what is there: `None` when nothing came for a second, `False` at the end."""
        readable, _, _ = select.select([self.side], [], [], 1)
        if not readable:
            return None
        try:
            read = os.read(self.side, 4096)
        except OSError:  # how Linux says that the other side is closed
            return False
        self.text += self._decoder.decode(read)
        return bool(read)


@contextmanager
def screen(terminal: Terminal, *words: str) -> Iterator[Screen]:
    shown = Screen(terminal, *words)
    try:
        yield shown
    finally:
        if shown.process.poll() is None:
            shown.process.kill()
            shown.process.wait()
        os.close(shown.side)
