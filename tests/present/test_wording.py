"""Times, names and other people's text, as a person reads them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from flagctl.present.wording import ago, clock, printable, span, until, who

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)

SPANS = {
    timedelta(seconds=0.62): "0.6 s",
    timedelta(seconds=-3): "0.0 s",
    timedelta(seconds=42): "42 s",
    timedelta(minutes=38, seconds=5): "38 min 5 s",
    timedelta(hours=3, minutes=59, seconds=59): "4 h",
    timedelta(hours=4, minutes=38, seconds=10): "4 h 38 min",
    timedelta(days=2, hours=3, minutes=59): "2 d 3 h",
}


@pytest.mark.parametrize(("length", "text"), SPANS.items(), ids=SPANS.values())
def test_a_span_is_told_in_its_two_largest_units(length: timedelta, text: str) -> None:
    assert span(length) == text


def test_a_time_of_another_day_carries_its_date() -> None:
    assert clock(NOON, NOON) == "12:00 UTC"
    assert clock(NOON + timedelta(days=1), NOON) == "2026-05-02 12:00 UTC"


def test_a_time_is_told_in_utc_whatever_its_zone() -> None:
    berlin = datetime(2026, 5, 1, 14, tzinfo=timezone(timedelta(hours=2)))
    assert clock(berlin, NOON) == "12:00 UTC"


def test_a_moment_is_told_from_both_sides() -> None:
    assert until(NOON + timedelta(hours=4), NOON) == "in 4 h"
    assert until(NOON - timedelta(minutes=38), NOON) == "38 min ago"
    assert ago(NOON + timedelta(seconds=1), NOON) == "just now"


def test_who_acted_is_told_with_the_proof_and_the_claim() -> None:
    assert who("os:alice", None) == "alice (os:alice)"
    assert who("os:root", "alice") == "root (os:root, says “alice”)"
    assert who("break-glass", None) == "break-glass"


STEERING = {
    "an escape": ("a\x1b[2Jb", r"a\u{001b}[2Jb"),
    "a line break": ("a\nb", r"a\u{000a}b"),
    "right to left": ("a\u202eb", r"a\u{202e}b"),
    "an isolate": ("a\u2066b", r"a\u{2066}b"),
    "a C1 control": ("a\x9bb", r"a\u{009b}b"),
    "a line separator": ("a\u2028b", r"a\u{2028}b"),
    "a lone surrogate": ("a\udc80b", r"a\u{dc80}b"),
    "a zero width space": ("a\u200bb", r"a\u{200b}b"),
}


@pytest.mark.parametrize(("text", "shown"), STEERING.values(), ids=STEERING.keys())
def test_nothing_steers_a_terminal(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_any_script_stays_as_it_is() -> None:
    text = "Grüße → 你好 مرحبا “x” ü"
    assert printable(text) == text
