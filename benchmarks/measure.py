"""How things are timed here: side by side, so that the machine's moods hit all of them."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from statistics import median, quantiles

Work = Callable[[], object]


@dataclass(frozen=True)
class Result:
    """One line of the table; `median` and `p99` are in `unit`, over `n` samples."""

    name: str
    median: float
    p99: float
    unit: str
    n: int
    note: str = ""


def interleaved(funcs: Mapping[str, Work], rounds: int, inner: int = 1) -> list[Result]:
    """Time each function once per round, so that what is compared runs side by side.

    Each round has an order of its own, the same in every run: whoever always came after the one
    that leaves the coldest caches would pay for it alone.

    Args:
        funcs: what to time, by name.
        rounds: samples per function; the first tenth more is run and thrown away.
        inner: calls per sample, for work shorter than the clock's own cost (about 0.1 µs).

    Returns:
        One result per function, in µs per call. With `inner` above 1 the 99th percentile is
        that of the means of `inner` calls, and the note says so.
    """
    note = f"mean of {inner} per sample" if inner > 1 else ""
    timed = samples(funcs, rounds, inner)
    return [summary(name, values, "µs", note) for name, values in timed.items()]


def samples(funcs: Mapping[str, Work], rounds: int, inner: int = 1) -> dict[str, list[float]]:
    """Do what `interleaved` does and return the µs of every sample, round by round."""
    found: dict[str, list[float]] = {name: [] for name in funcs}
    warm_up = max(1, rounds // 10)
    order, shuffle = list(funcs.items()), Random(0).shuffle  # noqa: S311 - no secret
    for number in range(-warm_up, rounds):
        shuffle(order)
        for name, func in order:
            taken_us = _time_us(func, inner)
            if number >= 0:
                found[name].append(taken_us)
    return found


def _time_us(func: Work, inner: int) -> float:
    begin = time.perf_counter_ns()
    for _ in range(inner):
        func()
    return (time.perf_counter_ns() - begin) / inner / 1000


def summary(name: str, samples: list[float], unit: str, note: str = "") -> Result:
    """Reduce samples taken elsewhere, such as latencies under load, to one result."""
    p99 = quantiles(samples, n=100, method="inclusive")[98] if len(samples) > 1 else samples[0]
    return Result(name, median(samples), p99, unit, len(samples), note)
