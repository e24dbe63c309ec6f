"""Where the rooms are put together: the only module that knows them all, and no rules."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import FastAPI

from flagctl.settings import Settings, load_settings
from flagctl.store.files import DataFiles
from flagctl.web.app import create as create_web
from flagctl.web.services import Services as WebServices


def now() -> datetime:
    """Return the time, aware and in UTC."""
    return datetime.now(UTC)


def web_app(settings: Settings | None = None) -> FastAPI:
    """Return the admin web app; a uvicorn worker calls it as a factory.

    Raises:
        MisconfiguredError: a setting can't be used.

    """
    settings = settings or load_settings()
    return create_web(WebServices(settings, DataFiles(settings.data_dir), clock=now))
