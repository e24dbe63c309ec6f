"""What every dispatcher does, and the two ways in which it can fail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from flagctl.domain.submission import Order
from flagctl.errors import MisconfiguredError, UnavailableError
from flagctl.vocabulary import DispatcherName, Mode


class NotSentError(UnavailableError):
    """Nothing left this process, for certain; a retry may go another way."""


class InDoubtError(UnavailableError):
    """It may have arrived or not; only the same dispatcher may be asked again."""


class Dispatcher(Protocol):
    """Hands an order over; asked again with the same digest, it must not be a second job.

    Raises:
        NotSentError: nothing was handed over.
        InDoubtError: nobody can tell.

    """

    name: DispatcherName

    async def dispatch(self, order: Order) -> None: ...

    async def check(self) -> None:
        """Raise `UnavailableError` when an order could not be handed over now."""

    async def close(self) -> None:
        """Let go of threads and connections."""


@dataclass(frozen=True, slots=True)
class Dispatchers:
    """The dispatchers of a process: by the mode of a new submission, and by name for old ones."""

    by_mode: Mapping[Mode, Dispatcher]
    by_name: Mapping[DispatcherName, Dispatcher]

    def for_mode(self, mode: Mode) -> Dispatcher:
        """Return who takes a submission that was resolved in this mode (decision 11).

        Raises:
            MisconfiguredError: nobody in this process does.

        """
        try:
            return self.by_mode[mode]
        except KeyError:
            raise MisconfiguredError(
                f"This process can't dispatch what was resolved in {mode}. Roll back meanwhile."
            ) from None

    def named(self, name: str) -> Dispatcher:
        """Return the dispatcher that an earlier attempt began with.

        Raises:
            InDoubtError: this process was started without it.

        """
        try:
            return self.by_name[DispatcherName(name)]
        except (KeyError, ValueError):
            raise InDoubtError(
                f"The submission was begun with the dispatcher {name!r}, which this process does "
                "not have any more. Start it with the settings of before to finish what is in "
                "doubt."
            ) from None
