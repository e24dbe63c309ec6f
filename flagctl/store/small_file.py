"""Reading a small file that somebody else may have put there."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def read_small_file(path: Path, below_bytes: int) -> bytes:
    """Return the content of a regular file; never waits, whatever lies there.

    Raises:
        OSError: it can't be read, or is no regular file.
        ValueError: it holds `below_bytes` or more.

    """
    # Opening a FIFO or a device must not wait for anybody.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(f"{path} is no regular file")
        content = os.read(descriptor, below_bytes)
    finally:
        os.close(descriptor)
    if len(content) == below_bytes:
        raise ValueError(f"{path} is longer than it can be")
    return content
