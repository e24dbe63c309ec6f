"""What an adapter process says of itself, and what it sees of its surroundings."""

from flagctl.watch.loop import Watch

__all__ = ["Watch"]
