"""`GET /api/health`, `GET /api/ready` and `GET /metrics`."""

from __future__ import annotations

from typing import Final, Literal

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel

from flagctl.domain.effective import EffectiveMode, lowers_nobody
from flagctl.domain.flag import ControlState
from flagctl.runtime import probes
from flagctl.runtime.probes import ProbeResult
from flagctl.runtime.services import Services
from flagctl.store.mode_reader import Reading
from flagctl.vocabulary import Freshness, Mode, ProbeStatus, Source

_NOT_READY: Final = 503


class InForce(BaseModel):
    """The mode in force in this process, and what decides it."""

    mode: Mode
    configured: Mode
    source: Source
    freshness: Freshness
    revision: int | None


class Health(BaseModel):
    """Whether anything needs somebody's attention."""

    status: Literal["ok", "degraded"]
    reasons: list[str]
    in_force: InForce


class Readiness(BaseModel):
    """Whether submissions can be taken, and each thing that it depends on."""

    ready: bool
    probes: list[ProbeResult]


def router(services: Services) -> APIRouter:
    """Return the three routes."""
    routes = APIRouter()

    @routes.get("/api/health", response_model=Health, summary="Always 200: ok or degraded")
    async def health() -> Health:
        results = await probes.run(services.probes, services.reader)
        return _health(results, services.reader.read())

    @routes.get(
        "/api/ready",
        response_model=Readiness,
        responses={_NOT_READY: {"model": Readiness, "description": "Not ready"}},
        summary="200 when submissions can be taken, else 503",
    )
    async def ready(response: Response) -> Readiness:
        results = await probes.run(services.probes, services.reader)
        is_ready = not any(result.stops_service for result in results)
        if not is_ready:
            response.status_code = _NOT_READY
        return Readiness(ready=is_ready, probes=results)

    @routes.get("/metrics", response_class=Response, summary="Prometheus' text format")
    async def metrics() -> Response:
        return Response(services.metrics.text(), media_type=CONTENT_TYPE_LATEST)

    return routes


def _health(results: list[ProbeResult], reading: Reading) -> Health:
    reasons = [
        f"{result.name}: {result.detail}"
        for result in results
        if result.status is ProbeStatus.FAILED
    ]
    if reading.break_glass is not None:
        asks = _asks_for(reading.break_glass.mode, reading.state)
        reasons.append(f"break-glass: {reading.break_glass.path} {asks}.")
    return Health(
        status="degraded" if reasons else "ok",
        reasons=reasons,
        in_force=_in_force(reading.effective),
    )


def _asks_for(glass: Mode, state: ControlState | None) -> str:
    if state is not None and lowers_nobody(glass, state.rollback_mode):
        return f"asks for {glass}; it lowers nobody now, because a rollback flag keeps the mode"
    return "asks for a lower mode"


def _in_force(effective: EffectiveMode) -> InForce:
    return InForce(
        mode=effective.mode,
        configured=effective.configured,
        source=effective.source,
        freshness=effective.freshness,
        revision=effective.revision,
    )
