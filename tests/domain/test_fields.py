"""What people type: what is taken, and what is refused with the field's name and a way out."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flagctl.domain import fields
from flagctl.errors import InvalidError
from flagctl.vocabulary import Mode
from tests.domain.samples import NOON


def test_a_text_is_trimmed_and_any_script_and_markup_is_just_text() -> None:
    assert fields.reason("  <b>p99 über 30 s</b> 🚒 日本 ") == "<b>p99 über 30 s</b> 🚒 日本"


@pytest.mark.parametrize("blank", ["", "   ", "\n\t", "\u200b", " \u2060\u200d ", "\ufeff"])
def test_a_reason_that_shows_nothing_is_blank(blank: str) -> None:
    with pytest.raises(InvalidError, match="reason is blank") as caught:
        fields.reason(blank)
    assert caught.value.field == "reason"


def test_a_reason_of_500_characters_fits_and_one_more_does_not() -> None:
    assert fields.reason("x" * 500) == "x" * 500
    with pytest.raises(InvalidError, match="501 characters; at most 500"):
        fields.reason("x" * 501)


@pytest.mark.parametrize(
    "control", ["\n", "\t", "\x00", "\x1b[31m", "\x7f", "\x85", "\u2028", "\u2029", "\ud800"]
)
def test_a_control_character_is_refused(control: str) -> None:
    with pytest.raises(InvalidError, match="control character"):
        fields.reason(f"slow{control}again")


@given(st.text(max_size=600))
def test_a_text_is_taken_whole_or_refused_with_its_field(text: str) -> None:
    try:
        assert fields.reason(text) == text.strip()
    except InvalidError as error:
        assert error.field == "reason"  # noqa: PT017 - either is right


def test_a_mode_is_known_by_its_exact_name() -> None:
    assert fields.mode("stub-policy") is Mode.STUB_POLICY
    for wrong in ("Stub-Policy", "stub", "", "stub-policy "):
        with pytest.raises(InvalidError, match="safest first: passthrough, stub-policy, real"):
            fields.mode(wrong)


@pytest.mark.parametrize(
    ("text", "span"),
    [("90s", 90), ("15m", 900), (" 4h ", 14400), ("2d", 172800), ("0s", 0)],
)
def test_a_span_is_a_number_and_a_unit(text: str, span: int) -> None:
    assert fields.duration(text) == timedelta(seconds=span)
    assert fields.expiry(text, NOON) == NOON + timedelta(seconds=span)


@pytest.mark.parametrize("text", ["4", "h", "4 h", "-4h", "4h30m", "1.5h", "4H", "", "1e3s", "٤h"])
def test_a_span_without_its_unit_or_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(InvalidError, match="can't be read; for example 90s, 15m"):
        fields.expiry(text, NOON)


@pytest.mark.parametrize(
    "text", ["2026-05-01T18:00:00Z", "2026-05-01t18:00:00z", "2026-05-01T20:00:00+02:00"]
)
def test_a_time_has_a_zone_and_is_kept_in_utc(text: str) -> None:
    found = fields.expiry(text, NOON)
    assert found == datetime(2026, 5, 1, 18, tzinfo=UTC)
    assert found.tzinfo is UTC


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(InvalidError, match="has no time zone"):
        fields.expiry("2026-05-01T18:00:00", NOON)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00"])
def test_a_time_beyond_the_calendar_is_refused(text: str) -> None:
    with pytest.raises(InvalidError, match="beyond the calendar"):
        fields.expiry(text, NOON)


def test_a_span_beyond_the_calendar_is_refused() -> None:
    with pytest.raises(InvalidError, match="beyond the calendar"):
        fields.expiry("999999999d", NOON)


def test_an_expiry_lies_after_now_and_within_its_maximum() -> None:
    day = timedelta(days=1)
    assert fields.between(NOON + day, NOON, day) == NOON + day
    with pytest.raises(InvalidError, match="not in the future"):
        fields.between(NOON, NOON, day)
    with pytest.raises(InvalidError, match="at most 1 d from now"):
        fields.between(NOON + day + timedelta(seconds=1), NOON, day)


def test_an_expiry_without_a_zone_is_refused_also_when_a_program_made_it() -> None:
    with pytest.raises(InvalidError, match="has no time zone"):
        fields.between(datetime(2026, 5, 1, 13), NOON, timedelta(days=1))  # noqa: DTZ001 - as said


def test_an_expiry_may_come_in_any_zone() -> None:
    berlin = datetime(2026, 5, 1, 15, tzinfo=timezone(timedelta(hours=2)))
    assert fields.between(berlin, NOON, timedelta(days=1)) == berlin


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(hours=4, minutes=38), "4 h 38 min"),
        (timedelta(days=2, seconds=3), "2 d 3 s"),
        (timedelta(0), "0 s"),
        (timedelta(seconds=-5), "0 s"),
    ],
)
def test_a_span_is_told_in_its_two_largest_units(span: timedelta, words: str) -> None:
    assert fields.describe(span) == words
