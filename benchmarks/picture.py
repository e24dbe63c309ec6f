"""Medians as bars on a scale of powers of ten, in SVG that reads on light and dark paper."""

from collections.abc import Iterator, Sequence
from html import escape
from math import log10

from benchmarks.measure import Result

ROW, LEFT, WIDTH, RIGHT = 26, 290, 430, 80


def bars(results: Sequence[Result], title: str, ours: str) -> str:
    """One bar for each result; those whose name begins with `ours` stand out."""
    low = min(log10(each.median) for each in results) - 0.2
    high = max(log10(each.median) for each in results)
    height = ROW * (len(results) + 1)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + RIGHT} {height}"'
        ' role="img" font-family="sans-serif" font-size="13" fill="#777">',
        f"<title>{escape(title)}</title>",
        f'<text x="0" y="17">{escape(title)}</text>',
    ]
    for number, each in enumerate(results, start=1):
        length = WIDTH * (log10(each.median) - low) / (high - low)
        parts += _row(each, number * ROW, length, is_ours=each.name.startswith(ours))
    return "\n".join([*parts, "</svg>\n"])


def _row(each: Result, top: int, length: float, *, is_ours: bool) -> Iterator[str]:
    colour = "#1a7f5a" if is_ours else "#9aa5b1"
    yield f'<text x="{LEFT - 8}" y="{top + 17}" text-anchor="end">{escape(each.name)}</text>'
    yield f'<rect x="{LEFT}" y="{top + 5}" width="{length:.0f}" height="16" fill="{colour}"/>'
    yield f'<text x="{LEFT + length + 6:.0f}" y="{top + 17}">{each.median:.2g} {each.unit}</text>'
