"""Where the bars of the impact strip lie: geometry for a template that draws it as SVG.

What a bar means is told by its width too, not by its colour alone: errors are as wide as their
minute and stand at the bottom, denied queues are a thin stem.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from itertools import groupby
from math import floor
from typing import Final

from flagctl.present.impact import FlipRecord, ImpactRecord, MinuteRecord, ResolutionsRecord
from flagctl.vocabulary import LADDER, Mode, ResolutionOutcome

STEP: Final = 10
"""The width of a minute."""

MARK_HEIGHT: Final = 10
BAR_HEIGHT: Final = 68
BASE: Final = MARK_HEIGHT + BAR_HEIGHT
LANE_TOP: Final = BASE + 4
RUNG_HEIGHT: Final = 6
HEIGHT: Final = LANE_TOP + RUNG_HEIGHT * len(LADDER)
LEAST: Final = 2.0
"""What is there is seen: one error among a thousand is drawn higher than it is."""

_STEPS_OF_SCALE: Final = (1, 2, 5, 10)


class Kind(StrEnum):
    """What a part of a bar stands for, from the bottom up."""

    ERROR = "error"
    RESOLVED = "resolved"
    DENIED = "denied"


def _kind(outcome: ResolutionOutcome) -> Kind:
    if outcome.is_error:
        return Kind.ERROR
    return Kind.RESOLVED if outcome is ResolutionOutcome.RESOLVED else Kind.DENIED


KINDS: Final = {outcome: _kind(outcome) for outcome in ResolutionOutcome}
_NONE: Final = dict.fromkeys(Kind, 0)
WIDTHS: Final = {Kind.ERROR: 10, Kind.RESOLVED: 6, Kind.DENIED: 3}


@dataclass(frozen=True, slots=True)
class Part:
    """A rectangle of a bar: so many resolutions in one mode that ended in one kind of way."""

    mode: Mode
    kind: Kind
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Bar:
    """A minute and its parts; where there were several modes they stand side by side."""

    x: int
    minute: MinuteRecord
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Drawn:
    """All parts of one kind as one path, those of the running minute apart."""

    kind: Kind
    is_running: bool
    d: str


@dataclass(frozen=True, slots=True)
class Lane:
    """A stretch of minutes in which some process had a mode, on that mode's rung."""

    x: int
    y: int
    width: int


@dataclass(frozen=True, slots=True)
class Mark:
    """A flip at its second."""

    x: float
    flip: FlipRecord


@dataclass(frozen=True, slots=True)
class Chart:
    """The whole strip. `top` is how many resolutions a minute the highest part could stand for."""

    top: int
    bars: tuple[Bar, ...]
    drawn: tuple[Drawn, ...]
    lanes: tuple[Lane, ...]
    marks: tuple[Mark, ...]
    width: int
    height: int = HEIGHT
    base: int = BASE
    step: int = STEP
    rung_height: int = RUNG_HEIGHT - 1


def chart(impact: ImpactRecord) -> Chart:
    """Return where everything lies."""
    top = top_of_scale(max(map(_highest, impact.minutes), default=0))
    bars = tuple(_bar(number, each, top) for number, each in enumerate(impact.minutes))
    return Chart(
        top=top,
        bars=bars,
        drawn=tuple(_drawn(bars)),
        lanes=tuple(lane for mode in LADDER for lane in _lanes(mode, impact.minutes)),
        marks=tuple(_marks(impact)),
        width=STEP * len(impact.minutes),
    )


def top_of_scale(highest: int) -> int:
    """Return the next round number: 1, 2 or 5 with zeros."""
    power = 1
    while True:
        for step in _STEPS_OF_SCALE:
            if step * power >= highest:
                return step * power
        power *= 10


def _highest(minute: MinuteRecord) -> int:
    totals = Counter[Mode]()
    for each in minute.resolutions:
        totals[each.mode] += each.count
    return max(totals.values(), default=0)


def _bar(number: int, minute: MinuteRecord, top: int) -> Bar:
    x = STEP * number
    return Bar(x, minute, tuple(_parts(x, minute, top)))


def _drawn(bars: Iterable[Bar]) -> Iterable[Drawn]:
    """Return few paths instead of many rectangles: the page is refreshed over and over."""
    outlines: dict[tuple[Kind, bool], list[str]] = defaultdict(list)
    for bar in bars:
        for part in bar.parts:
            outlines[part.kind, bar.minute.is_running].append(_outline(part))
    for (kind, is_running), some in outlines.items():
        yield Drawn(kind, is_running, "".join(some))


def _outline(part: Part) -> str:
    width, height = part.width, part.height
    return f"M{part.x:.4g} {part.y:g}h{width:.3g}v{height:g}h-{width:.3g}z"


def _lanes(mode: Mode, minutes: Iterable[MinuteRecord]) -> Iterable[Lane]:
    y = LANE_TOP + RUNG_HEIGHT * (len(LADDER) - 1 - mode.rung)
    x = 0
    for is_there, stretch in groupby(minutes, key=lambda minute: mode in minute.modes):
        width = STEP * len(list(stretch))
        if is_there:
            yield Lane(x, y, width)
        x += width


def _parts(x: int, minute: MinuteRecord, top: int) -> Iterable[Part]:
    """Return the parts of each mode, the safer mode first, stacked from the base up."""
    share = STEP / max(1, len(minute.modes))
    for number, mode in enumerate(minute.modes):
        found = [each for each in minute.resolutions if each.mode is mode]
        middle, base = x + share * (number + 0.5), float(BASE)
        for kind, height in heights_of(found, top).items():
            base = round(base - height, 1)
            width = WIDTHS[kind] / len(minute.modes)
            yield Part(mode, kind, middle - width / 2, base, width, height)


def heights_of(resolutions: Iterable[ResolutionsRecord], top: int) -> dict[Kind, float]:
    """Return how high each kind is drawn, together never above the scale."""
    counts = dict(_NONE)
    for each in resolutions:
        counts[KINDS[each.outcome]] += each.count
    heights = {
        kind: max(LEAST, round(BAR_HEIGHT * count / top, 1))
        for kind, count in counts.items()
        if count
    }
    if heights:
        highest = max(heights, key=heights.__getitem__)
        excess = max(0.0, sum(heights.values()) - BAR_HEIGHT)
        heights[highest] = round(heights[highest] - excess, 1)
    return heights


def _marks(impact: ImpactRecord) -> Iterable[Mark]:
    if not impact.minutes:
        return
    begin = impact.minutes[0].at
    for flip in impact.flips:
        minutes = (flip.at - begin) / timedelta(minutes=1)
        yield Mark(floor(10 * STEP * minutes) / 10, flip)  # never into the next minute
