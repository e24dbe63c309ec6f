"""The queue policy file: parsed once, and again when it has changed on disk."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Final

from flagctl.domain.boundary import SlurmPolicyConfigError
from flagctl.domain.policy import POLICY_MAX_BYTES, QueuePolicy, parse_policy, too_large

CHECK_INTERVAL_S: Final = 0.05
"""A change on disk is noticed within this time; a `stat` on each call would cost ten times more."""

_KINDS: Final = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
)

Signature = tuple[int, int, int, int, int]


@dataclass(frozen=True, slots=True)
class PolicyReading:
    """What the file held when it was last read: a policy, or else a problem in words.

    `sha256` is that of its bytes, in hexadecimal, also of bytes that are no policy; `None` when
    they couldn't be read. `signature` is the file's identity on disk; a reading is `settled` once
    a second one, an interval later, found the same: a write within one tick of the file system's
    clock changes the content and neither the time nor the size.
    """

    policy: QueuePolicy | None
    problem: str | None
    sha256: str | None = None
    signature: Signature | None = None
    settled: bool = False


class PolicyFile:
    """Gives the policy in a file; a broken version is an error, never silently the one before.

    Every thread may call it. It takes no lock, so it never waits and survives a fork: a reading
    is immutable and replaced whole.
    """

    def __init__(self, path: Path, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.path = path.absolute()
        self._monotonic = monotonic
        self._next_check_s = monotonic() + CHECK_INTERVAL_S
        self._reading = _read(self.path)

    def policy(self) -> QueuePolicy:
        """Return the policy now in the file, at most 50 ms old.

        Raises:
            SlurmPolicyConfigError: the file is missing, unreadable, no regular file, over 1 MiB,
                or no policy; it heals by itself when the file does.

        """
        reading = self.reading()
        if reading.policy is None:
            raise SlurmPolicyConfigError(reading.problem)
        return reading.policy

    def reading(self) -> PolicyReading:
        """Return what is known of the file, at most 50 ms old; never an error."""
        now_s = self._monotonic()
        if now_s < self._next_check_s:
            return self._reading
        # Set first: while one thread reads, the others go on with the reading at hand.
        self._next_check_s = now_s + CHECK_INTERVAL_S
        return self._checked(self._reading)

    def _checked(self, last: PolicyReading) -> PolicyReading:
        if last.settled and last.signature == _signature_at(self.path):
            return last
        fresh = _read(self.path, last)
        if fresh == last:
            return last  # the same object, by which others know that nothing is new
        if self._reading is last:
            self._reading = fresh
        return fresh


def _signature_at(path: Path) -> Signature | None:
    try:
        return _signature(path.stat())
    except OSError:
        return None


def _signature(status: os.stat_result) -> Signature:
    return (
        status.st_dev,
        status.st_ino,
        status.st_mtime_ns,
        status.st_ctime_ns,
        status.st_size,
    )


def _read(path: Path, last: PolicyReading | None = None) -> PolicyReading:
    try:
        content, signature = _content(path)
    except FileNotFoundError:
        return _unread(path, "there is no such file. Put it there, or correct the path.")
    except OSError as error:
        return _unread(path, f"{error.strerror}. Let this process read it, or correct the path.")
    except SlurmPolicyConfigError as error:
        return _unread(path, str(error))
    digest = sha256(content).hexdigest()
    if last is not None and last.sha256 == digest:
        return replace(last, signature=signature, settled=last.signature == signature)
    return _parsed(path, content, digest, signature)


def _content(path: Path) -> tuple[bytes, Signature]:
    """Return the bytes, and the identity that the file had just before they were read."""
    _require_readable_kind(path.stat())
    with open(path, "rb", opener=_open_without_waiting) as file:
        status = os.fstat(file.fileno())
        _require_readable_kind(status)
        return file.read(POLICY_MAX_BYTES + 1), _signature(status)


def _open_without_waiting(path: str, flags: int) -> int:
    """Open it; should a named pipe have come in since the `stat`, its writer is not waited for."""
    return os.open(path, flags | os.O_NONBLOCK)


def _require_readable_kind(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = next((name for is_kind, name in _KINDS if is_kind(status.st_mode)), "a device")
        raise SlurmPolicyConfigError(f"it is {kind}. Put a regular file there.")
    if status.st_size > POLICY_MAX_BYTES:
        raise SlurmPolicyConfigError(too_large(status.st_size))


def _unread(path: Path, problem: str) -> PolicyReading:
    return PolicyReading(policy=None, problem=_message(path, problem))


def _parsed(path: Path, content: bytes, digest: str, signature: Signature) -> PolicyReading:
    try:
        return PolicyReading(parse_policy(content), None, digest, signature)
    except SlurmPolicyConfigError as error:
        return PolicyReading(None, _message(path, str(error)), digest, signature)


def _message(path: Path, problem: str) -> str:
    return f"The queue policy {path} (ZPE_SLURM_POLICY_PATH) can't be used: {problem}"
