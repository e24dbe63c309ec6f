"""The spool: one file for each submission, until the management node takes it.

The name is the idempotency digest, so that a second attempt can't make a second file while the
first lies there. Who takes files may see one again after a crash of the runtime, as with any
delivery that is made at least once: what was taken under a digest before is dropped.
"""

from __future__ import annotations

import asyncio
import errno
import json
import os
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Final

from flagctl.dispatch.ports import InDoubtError, NotSentError
from flagctl.domain.submission import Order
from flagctl.vocabulary import DispatcherName

FILE_MODE: Final = 0o660
DIRECTORY_MODE: Final = 0o2770
SUFFIX: Final = ".json"
_PARTIAL: Final = "."
"""How names begin that are not there yet for whoever takes files."""

_STALE_AFTER_S: Final = 60.0
"""No write takes that long; whoever began it is dead."""

_COUNT_INTERVAL_S: Final = 1.0
_THREADS: Final = 8
"""Each waits for the disk; a journalling file system flushes for several of them at once."""


class SpoolDispatcher:
    """Writes orders into a directory, durably, and each digest once.

    Args:
        directory: made when it is missing, for its group only.
        max_files: with this many waiting files the spool is full; what is written at once may
            exceed it by a few.

    """

    name = DispatcherName.SPOOL

    def __init__(self, directory: Path, max_files: int) -> None:
        self._directory = directory
        self._max_files = max_files
        self._waiting = 0
        self._count_again_s = 0.0
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="spool")

    async def dispatch(self, order: Order) -> None:
        await self._on_a_thread(self._write, order)

    async def check(self) -> None:
        await self._on_a_thread(self._require_room)

    async def close(self) -> None:
        self._threads.shutdown()

    async def _on_a_thread(self, work: Callable[..., None], *args: object) -> None:
        await asyncio.get_running_loop().run_in_executor(self._threads, work, *args)

    def _write(self, order: Order) -> None:
        path = self._directory / f"{order.digest}{SUFFIX}"
        if _lies_there(path) or not self._put(path, order.document()):
            _require_same(path, order)
        self._waiting += 1
        try:
            _sync_directory(self._directory)
        except OSError as error:
            raise InDoubtError(f"{path} was written, and may not survive: {error}") from error

    def _put(self, path: Path, text: str) -> bool:
        """Write the file and then give it its name; return whether the name was still free."""
        self._require_room()
        partial = self._directory / f"{_PARTIAL}{uuid.uuid4().hex}"
        try:
            _write_durably(partial, text)
            os.link(partial, path)
        except FileExistsError:
            return False
        except OSError as error:
            self._count_again_s = 0.0  # the directory may be gone: the next one makes it
            raise NotSentError(_problem(error, self._directory)) from error
        finally:
            with suppress(OSError):
                partial.unlink()
        return True

    def _require_room(self) -> None:
        """Raise `NotSentError` when the spool is full.

        Files are counted once a second, as listing thousands takes milliseconds, and at once
        when there seems to be no room.
        """
        now_s = time.monotonic()
        if self._waiting >= self._max_files or now_s >= self._count_again_s:
            self._waiting = _count_waiting(self._directory)
            self._count_again_s = now_s + _COUNT_INTERVAL_S
        if self._waiting >= self._max_files:
            raise NotSentError(
                f"The spool {self._directory} is full: {self._waiting} files wait in it "
                "(FLAGCTL_SPOOL_MAX_FILES). Is the management node taking them?"
            )


def _count_waiting(directory: Path) -> int:
    """Return how many files wait, and clear away what a killed process did not finish."""
    try:
        if not directory.exists():
            directory.mkdir(exist_ok=True)
            directory.chmod(DIRECTORY_MODE)
        # Plain names: with ten thousand files, paths would cost five times as much.
        names = os.listdir(directory)  # noqa: PTH208
        partial = [directory / name for name in names if name.startswith(_PARTIAL)]
        for path in partial:
            _remove_if_stale(path)
        return len(names) - len(partial)
    except OSError as error:
        raise NotSentError(_problem(error, directory)) from error


def _remove_if_stale(path: Path) -> None:
    with suppress(FileNotFoundError):
        if time.time() - path.stat().st_mtime > _STALE_AFTER_S:
            path.unlink()


def _write_durably(path: Path, text: str) -> None:
    with path.open("xb") as file:
        os.fchmod(file.fileno(), FILE_MODE)
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())


def _lies_there(path: Path) -> bool:
    try:
        path.lstat()
    except OSError:
        return False
    return True


def _require_same(path: Path, order: Order) -> None:
    """Raise unless the file that lies there is this submission's, from an earlier attempt."""
    try:
        found = json.loads(path.read_bytes())["submission_id"]
    except FileNotFoundError:
        return  # taken already: then it was there
    except OSError as error:
        raise InDoubtError(f"{path} lies there and can't be read: {error}") from error
    except (ValueError, KeyError, TypeError):
        found = "which can't be read"
    if found != order.submission_id:
        raise NotSentError(
            f"{path} still waits and belongs to another submission ({found}) with the same key. "
            "The management node must take it first."
        )


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _problem(error: OSError, directory: Path) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return f"The disk under the spool {directory} is full ({error}). Free some space."
    return f"The spool {directory} can't be written ({error}). Let this user write there."
