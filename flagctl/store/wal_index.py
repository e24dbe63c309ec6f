"""The WAL index (`control.db-shm`) as SQLite's processes share it, mapped to be looked at.

This is the only place that may open such a file past SQLite. Closing any descriptor of it drops
the POSIX locks that SQLite holds on it in the same process, so a descriptor once opened is kept
as long as a connection of this process could hold such locks.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import struct
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from flagctl.store.wal_header import HEADER, layout_complaint

MAPPED_BYTES: Final = 4096
UNUSED_AT_MOST: Final = 16

_OWN_DESCRIPTORS: Final = 2  # ours, and the duplicate that Python's mmap keeps

_LOCK: Final = struct.Struct("@hhqqi4x")
"""`struct flock` of 64-bit Linux: type, whence, start, length, process."""

_FIRST, _COUNT = 123, 5  # the bytes that stand for the read marks
_ASKED: Final = _LOCK.pack(fcntl.F_RDLCK, os.SEEK_SET, _FIRST, _COUNT, 0)

Inode = tuple[int, int]


class UnusableWalIndexError(Exception):
    """The WAL index is not there, or not as this code knows it; the message says why."""


@dataclass(slots=True)
class WalIndex:
    """One mapped file. `mapping[HEADER]` is all that anybody needs of it."""

    inode: Inode
    descriptor: int
    mapping: mmap.mmap
    users: int = 0


_mapped: dict[Inode, WalIndex] = {}
_registry = threading.Lock()


def acquire(path: Path) -> WalIndex:
    """Return the mapping of the WAL index at `path`; the caller has SQLite's connection open.

    Raises:
        UnusableWalIndexError: it can't be relied on.

    """
    with _registry:
        _sweep()
        try:
            index = _index_at(path)
        except (OSError, ValueError) as error:
            raise UnusableWalIndexError(f"{path.name} can't be mapped: {error}") from error
        _require_in_use(index, path)
        _require_layout(index, path)
        index.users += 1
        return index


def find(path: Path) -> WalIndex | None:
    """Return the mapping of what lies at `path`, whatever it is good for; `None` without one.

    It stays as long as SQLite has the file open in this process.
    """
    with _registry:
        try:
            return _index_at(path)
        except (OSError, ValueError, UnusableWalIndexError):
            return None


def is_locked(index: WalIndex) -> bool:
    """Tell whether something holds every lock of the WAL index that a read could take.

    SQLite never does; asked to read then, it would try for ten seconds before it gave up.
    """
    if sys.platform != "linux":
        return False
    held = fcntl.fcntl(index.descriptor, fcntl.F_GETLK, _ASKED)
    kind, _, start, count, _ = _LOCK.unpack(held)
    return kind == fcntl.F_WRLCK and start <= _FIRST and not 0 < count < _FIRST + _COUNT - start


def release(index: WalIndex) -> None:
    """Give the mapping back; it is kept for the next one who asks."""
    with _registry:
        index.users -= 1


def _inode(found: os.stat_result) -> Inode:
    return found.st_dev, found.st_ino


def _index_at(path: Path) -> WalIndex:
    found = os.stat(path)  # noqa: PTH116 - often done
    if found.st_size < MAPPED_BYTES:  # asked before opening: what is opened is not closed again
        raise UnusableWalIndexError(f"{path.name} holds {found.st_size} bytes only")
    return _mapped.get(_inode(found)) or _map(path)


def _map(path: Path) -> WalIndex:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    # Never closed on the way out, come what may: see the top of the file.
    inode = _inode(os.fstat(descriptor))
    mapping = mmap.mmap(descriptor, MAPPED_BYTES, access=mmap.ACCESS_READ)
    return _mapped.setdefault(inode, WalIndex(inode, descriptor, mapping))


def are_open_here(*paths: Path) -> bool:
    """Tell whether SQLite has the files at these paths open in this process.

    It may have others of that name: SQLite shares one WAL index among all connections of a
    process to a database, also after the file was removed and other processes made a new one.
    True where the system does not tell.
    """
    with _registry:
        try:
            wanted = [_inode(os.stat(path)) for path in paths]  # noqa: PTH116 - often done
            found = Counter(_open_inodes())
        except FileNotFoundError:
            return False
        except OSError:
            return True
        return all(found[inode] > _own_descriptors(inode) for inode in wanted)


def _require_in_use(index: WalIndex, path: Path) -> None:
    if not _is_open_elsewhere(index.inode):
        raise UnusableWalIndexError(f"{path.name} is not the file that SQLite has open")


def _require_layout(index: WalIndex, path: Path) -> None:
    complaint = None
    for _ in range(100):  # a commit may be under way
        complaint = layout_complaint(index.mapping[HEADER])
        if complaint is None:
            return
    raise UnusableWalIndexError(f"{path.name}: {complaint}")


def _sweep() -> None:
    """Close what nobody can need any more, so that a long life of many files does not pile up."""
    unused = [index for index in _mapped.values() if index.users == 0]
    for index in unused:
        is_deleted = os.fstat(index.descriptor).st_nlink == 0
        may_go = is_deleted or len(unused) > UNUSED_AT_MOST
        # No other descriptor on it in this process: so SQLite holds no lock on it to lose.
        if may_go and not _is_open_elsewhere(index.inode):
            del _mapped[index.inode]
            index.mapping.close()
            os.close(index.descriptor)


def _is_open_elsewhere(inode: Inode) -> bool:
    """Tell whether SQLite has this file open here; true where the system does not tell."""
    try:
        return Counter(_open_inodes())[inode] > _own_descriptors(inode)
    except OSError:
        return True


def _own_descriptors(inode: Inode) -> int:
    return _OWN_DESCRIPTORS if inode in _mapped else 0


def _open_inodes() -> Iterator[Inode]:
    for name in os.listdir("/dev/fd"):  # noqa: PTH208 - names are all that is wanted
        try:
            yield _inode(os.fstat(int(name)))
        except OSError:  # the listing's own descriptor
            continue
