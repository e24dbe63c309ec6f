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
    """Slurm's library says no, in its own words. `errno` is Slurm's, if it has one.

    `is_slurmctlds`: slurmctld itself refused, so nothing happened. Otherwise something on the way
    to it did, and `was_sent` tells whether anything had left by then.
    """

    def __init__(self, message: str, errno: int | None, *, was_sent: bool = False) -> None:
        super().__init__(message)
        self.errno = errno
        self.was_sent = was_sent

    @property
    def is_slurmctlds(self) -> bool:
        """Tell whether the number is one of slurmctld's own (`slurm_errno.h`)."""
        return self.errno is not None and 2000 <= self.errno < 3000
