"""What an adapter process says of itself, and what it sees of its surroundings."""

from flagctl.watch.embedded import EmbeddedWatch
from flagctl.watch.loop import Watch
from flagctl.watch.queues import AskedQueues
from flagctl.watch.tally import Tally

__all__ = ["AskedQueues", "EmbeddedWatch", "Tally", "Watch"]
