"""Metrics of one process, in a registry of their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from flagctl.adapter.telemetry import Resolution
from flagctl.runtime.in_flight import InFlight
from flagctl.store.mode_reader import ModeReader
from flagctl.vocabulary import Freshness, Mode, ModeSignal

_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """Counts what happens, and shows what is in force when it is asked."""

    def __init__(self, reader: ModeReader, in_flight: InFlight) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_InForce(reader, in_flight))
        self._submissions = Counter(
            "flagctl_submissions",
            "Submissions answered: accepted, replayed, or the error's code.",
            ("mode", "outcome"),
            registry=self._registry,
        )
        self._resolutions = Counter(
            "flagctl_resolutions",
            "Queues resolved, by how that ended.",
            ("mode", "outcome"),
            registry=self._registry,
        )
        self._duration_s = Histogram(
            "flagctl_submission_duration_seconds",
            "Time from the whole request to its answer.",
            buckets=_BUCKETS_S,
            registry=self._registry,
        )

    def submitted(self, mode: Mode | None, outcome: str, duration_s: float) -> None:
        """Count a submission; without a mode it was refused before one was read."""
        self._submissions.labels(mode or "none", outcome).inc()
        self._duration_s.observe(duration_s)

    def resolved(self, resolution: Resolution) -> None:
        """Count a resolution."""
        self._resolutions.labels(resolution.effective.mode, resolution.outcome).inc()

    def text(self) -> bytes:
        """Return everything in Prometheus' text format."""
        return generate_latest(self._registry)


class _InForce(Collector):
    """What is true at the moment of asking."""

    def __init__(self, reader: ModeReader, in_flight: InFlight) -> None:
        self._reader = reader
        self._in_flight = in_flight

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        effective = self._reader.effective()
        yield _one_of("flagctl_mode", "The mode in force.", "mode", Mode, effective.mode)
        yield _one_of(
            "flagctl_freshness",
            "Where the flags behind the mode came from.",
            "freshness",
            Freshness,
            effective.freshness,
        )
        revision = GaugeMetricFamily("flagctl_revision", "The revision used; -1 without a store.")
        revision.add_metric((), -1 if effective.revision is None else effective.revision)
        yield revision
        answers = CounterMetricFamily(
            "flagctl_mode_answers", "Times the mode was read, by freshness.", labels=("freshness",)
        )
        for freshness, count in self._reader.answers.items():
            answers.add_metric((freshness,), count)
        yield answers
        yield _one_of(
            "flagctl_signal",
            "What tells this process of a flip.",
            "signal",
            (ModeSignal.PLAIN, ModeSignal.FAST),
            self._reader.signal_in_use.kind,
        )
        fall_backs = CounterMetricFamily(
            "flagctl_signal_fall_backs", "Times the fast signal was found wrong and given up."
        )
        fall_backs.add_metric((), self._reader.fall_backs)
        yield fall_backs
        in_flight = GaugeMetricFamily(
            "flagctl_in_flight", "Submissions not answered yet.", labels=("mode",)
        )
        for mode, count in self._in_flight.by_mode().items():
            in_flight.add_metric((mode,), count)
        yield in_flight


def _one_of(name: str, help_: str, label: str, words: Iterable[str], now: str) -> Metric:
    family = GaugeMetricFamily(name, f"{help_} 1 for what holds, 0 for the rest.", labels=(label,))
    for word in words:
        family.add_metric((word,), float(word == now))
    return family
