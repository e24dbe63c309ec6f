"""What a monitoring system asks for: the flags and what is not delivered, at the moment asked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from fastapi import APIRouter
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response

from flagctl.domain.flag import ControlState, Flag
from flagctl.store.follow_ups import read_follow_ups
from flagctl.store.reading import read_state, reading
from flagctl.store.reminder_reading import Undelivered, read_undelivered
from flagctl.store.trouble import StoreTroubleError
from flagctl.vocabulary import FlagKind
from flagctl.web.services import Services, services_of

router = APIRouter()

TEXT_FORMAT: Final = "text/plain; version=0.0.4; charset=utf-8"


@router.get("/metrics")
def metrics(request: Request) -> Response:
    """Return the gauges in Prometheus' text format; a store in trouble is one of them."""
    registry = CollectorRegistry()
    registry.register(StoreGauges(services_of(request)))
    return Response(generate_latest(registry), media_type=TEXT_FORMAT)


class StoreGauges(Collector):
    """What control.db says now, as gauges."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        services = self._services
        now = services.clock()
        try:
            with reading(services.files, services.settings.busy_timeout_s) as connection:
                state = read_state(connection)
                undelivered = read_undelivered(connection)
                follow_ups = len(read_follow_ups(connection))
        except StoreTroubleError:
            yield _gauge("flagctl_store_readable", "1 if control.db can be read.", 0)
            return
        yield _gauge("flagctl_store_readable", "1 if control.db can be read.", 1)
        yield from _flags(state, now)
        yield from _reminders(undelivered, now)
        yield _gauge("flagctl_follow_ups_open", "What is left to do after flags.", follow_ups)


def _flags(state: ControlState, now: datetime) -> Iterator[Metric]:
    rollback = state.rollback
    yield _gauge("flagctl_rollback_active", "1 while a rollback flag counts.", bool(rollback))
    expired = GaugeMetricFamily(
        "flagctl_flag_expired_seconds",
        "Seconds past the expiry of the active flag of a kind; 0 before it, or without one.",
        labels=("kind",),
    )
    active = {flag.kind: flag for flag in state.flags}
    for kind in FlagKind:
        expired.add_metric((kind,), _seconds_past(active.get(kind), now))
    yield expired
    extensions = rollback.extensions if rollback else 0
    yield _gauge("flagctl_rollback_extensions", "How often it was extended.", extensions)
    yield _gauge("flagctl_control_revision", "The newest revision.", state.revision)


def _reminders(undelivered: Undelivered, now: datetime) -> Iterator[Metric]:
    family = GaugeMetricFamily(
        "flagctl_reminders_undelivered",
        "Deliveries that wait, and those given up until somebody has seen them.",
        labels=("state",),
    )
    family.add_metric(("waiting",), undelivered.waiting)
    family.add_metric(("failed",), undelivered.failed)
    yield family
    oldest = undelivered.oldest_at
    age_s = max(0.0, (now - oldest).total_seconds()) if oldest else 0.0
    yield _gauge(
        "flagctl_reminders_oldest_waiting_seconds", "Age of what has waited longest.", age_s
    )


def _seconds_past(flag: Flag | None, now: datetime) -> float:
    return max(0.0, (now - flag.expires_at).total_seconds()) if flag else 0.0


def _gauge(name: str, help_: str, value: float) -> Metric:
    family = GaugeMetricFamily(name, help_)
    family.add_metric((), value)
    return family
