"""The data directory: made if it is missing, and refused on a network file system."""

from __future__ import annotations

import fcntl
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from flagctl.errors import MisconfiguredError, UnavailableError

DIRECTORY_MODE: Final = 0o2770
FILE_MODE: Final = 0o660

_LOCK_POLL_S: Final = 0.005

_NETWORK_TYPES: Final = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "lustre", "gpfs", "beegfs",
     "glusterfs", "9p", "ncpfs", "orangefs", "pvfs2"}
)  # fmt: skip
_ESCAPED: Final = re.compile(r"\\([0-7]{3})")
"""How a blank or a backslash is written in the mounts file."""

_NETWORK_FUSE: Final = ("fuse.sshfs", "fuse.glusterfs", "fuse.ceph", "fuse.s3fs", "fuse.rclone")


def prepare_directory(directory: Path) -> None:
    """Make the data directory for its group only, unless it is there.

    Raises:
        UnavailableError: it can't be made or is no directory.
        MisconfiguredError: it lies on a network file system.

    """
    try:
        if not directory.exists():
            _make(directory)
    except OSError as error:
        raise UnavailableError(
            f"The data directory {directory} can't be made: {error.strerror}. "
            "Check FLAGCTL_DATA_DIR and who may write there."
        ) from error
    if not directory.is_dir():
        raise MisconfiguredError(f"FLAGCTL_DATA_DIR={directory} is not a directory.")
    refuse_network_filesystem(directory)


def _make(directory: Path) -> None:
    try:
        directory.mkdir(parents=True)
    except FileExistsError:
        return  # another process was faster
    directory.chmod(DIRECTORY_MODE)


def refuse_network_filesystem(directory: Path, mounts: Path = Path("/proc/self/mounts")) -> None:
    """Raise `MisconfiguredError` if the directory lies on a network file system.

    SQLite's WAL mode needs memory shared between processes of one host.
    """
    kind = filesystem_type(directory, mounts)
    if kind in _NETWORK_TYPES or (kind or "").startswith(_NETWORK_FUSE):
        raise MisconfiguredError(
            f"The data directory {directory} lies on a network file system ({kind}). SQLite's WAL "
            "needs shared memory, which no network file system has: flips could be missed. "
            "Point FLAGCTL_DATA_DIR at a local disk."
        )


def filesystem_type(directory: Path, mounts: Path = Path("/proc/self/mounts")) -> str | None:
    """Return the type of the file system that holds the directory; `None` if nobody can tell."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return None
    target = directory.resolve()
    best: tuple[int, str | None] = (-1, None)
    for line in lines:
        _device, point_text, kind, *_options = line.split(" ")
        point = Path(_ESCAPED.sub(lambda found: chr(int(found[1], 8)), point_text))
        # Of two mounts on one point, the later one is what is seen.
        if target.is_relative_to(point) and len(point.parts) >= best[0]:
            best = (len(point.parts), kind)
    return best[1]


def create_file(path: Path) -> None:
    """Make an empty file for the directory's group, unless it is there."""
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, FILE_MODE)
    except FileExistsError:
        return
    try:
        os.fchmod(descriptor, FILE_MODE)
    finally:
        os.close(descriptor)


def sync(path: Path) -> None:
    """Have a finished file, or what a directory lists, on the disk before going on.

    Never of a database that this process has open: closing it would drop SQLite's locks.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def only_one(lock: Path, *, wait_s: float | None = None) -> Iterator[None]:
    """Let one process at a time into the block; `lock` is a file that serves nothing else.

    Closing a database file instead would drop SQLite's own locks in this process.

    Raises:
        BlockingIOError: another process was in it for all of `wait_s`.

    """
    create_file(lock)
    with lock.open("r+") as held:
        if wait_s is None:
            fcntl.flock(held, fcntl.LOCK_EX)
        else:
            _lock_within(wait_s, held)
        yield


def _lock_within(wait_s: float, held: IO[str]) -> None:
    deadline_s = time.monotonic() + wait_s
    while True:
        try:
            return fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline_s:
                raise
        time.sleep(_LOCK_POLL_S)
