"""A child's end of the pipe that its parent holds: when the parent is gone, so is the child."""

from __future__ import annotations

import os
import signal
import threading
from typing import Final

STDIN: Final = 0
GRACE_S: Final = 15.0
"""Longer than a server takes to stop by itself."""


def hold_on() -> None:
    """End this process when whoever started it is gone, however that happened.

    The parent keeps the writing end of our standard input and never writes. The kernel closes it
    with the parent, also after `kill -9`, and also when that was before we came here.
    """
    threading.Thread(target=_wait_for_the_end, name="lifeline", daemon=True).start()


def _wait_for_the_end() -> None:
    while os.read(STDIN, 1):
        continue
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(GRACE_S)
    os._exit(1)
