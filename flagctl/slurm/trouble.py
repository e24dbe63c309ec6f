"""The two ways in which a call to Slurm fails."""

from __future__ import annotations

from flagctl.vocabulary import ProbeError


class SlurmTroubleError(Exception):
    """There is no answer from Slurm. The message says what was seen, and Slurm's own words.

    Attributes:
        error: what kind of trouble it is.
        was_sent: something left for Slurm; it may have happened, or happen yet.
        is_start: the child that would ask Slurm can't be started.

    """

    def __init__(
        self, error: ProbeError, message: str, *, was_sent: bool, is_start: bool = False
    ) -> None:
        super().__init__(message)
        self.error = error
        self.was_sent = was_sent
        self.is_start = is_start


class SlurmRefusedError(Exception):
    """Slurm answered no, in its own words; nothing happened. `errno` is Slurm's, if it has one."""

    def __init__(self, message: str, errno: int | None) -> None:
        super().__init__(message)
        self.errno = errno
