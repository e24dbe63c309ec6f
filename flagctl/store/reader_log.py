"""What the mode reader logs: trouble once when it comes, and once when it goes."""

from __future__ import annotations

from typing import Any

from flagctl.store.trouble import StoreTroubleError


def trouble_changed(was: StoreTroubleError | None, now: StoreTroubleError | None) -> None:
    """Log trouble of another kind, or its end."""
    if now is None and was is not None:
        _log().info("store_readable_again")
    elif now is not None and (was is None or was.trouble is not now.trouble):
        _log().warning("store_trouble", trouble=now.trouble, message=str(now))


def signal_given_up(why: str) -> None:
    """Log that the fast signal was found wrong."""
    _log().error("fast_signal_given_up", message=why)


def _log() -> Any:
    # Imported here: it costs more than everything that a short command does.
    import structlog

    return structlog.get_logger("flagctl.store.mode_reader")
