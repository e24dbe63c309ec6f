"""The receipt of an act: what is in force, who follows, and the line for the channel."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from flagctl.domain.audit import AuditEvent
from flagctl.domain.flag import ControlState, Flag
from flagctl.domain.process import Heard
from flagctl.present.processes import followers
from flagctl.present.receipt import Done, incident_line, receipt_record, warnings_for
from flagctl.vocabulary import Action, FlagKind, Mode, Outcome
from tests.present.test_sentence import NOON, event
from tests.reports import report

SAFE, STUB, REAL = Mode
FOUR_HOURS = timedelta(hours=4)


def rollback(**changes: Any) -> Flag:
    words: dict[str, Any] = {
        "id": 3,
        "kind": FlagKind.ROLLBACK,
        "mode": STUB,
        "owner": "os:alice",
        "reason": "slow",
        "incident": "INC-42",
        "started_by": "os:alice",
        "started_at": NOON,
        "first_started_at": NOON,
        "expires_at": NOON + FOUR_HOURS,
        "extensions": 0,
        "rolled_back_from": REAL,
        "revision": 18,
    }
    return Flag(**{**words, **changes})


def cutover() -> Flag:
    return rollback(id=1, kind=FlagKind.CUTOVER, mode=REAL, incident=None, rolled_back_from=None)


def done(told: AuditEvent | None = None, flag: Flag | None = None) -> Done:
    told = told or event(Action.ROLL_BACK, revision=18, mode_before=REAL)
    flag = flag or rollback()
    state = ControlState(18, cutover(), flag if flag.is_active else None)
    return Done(told, state, flag, "production")


COMMIT = NOON - timedelta(seconds=0.4)


def followed(*revisions: int) -> Any:
    started = {"started_at": NOON - FOUR_HOURS, "heard_at": NOON}
    reports = [
        report(str(number), revision=revision, **started)
        for number, revision in enumerate(revisions)
    ]
    return followers(Heard(reports), 18, NOON, COMMIT)


def test_the_incident_line_is_what_the_channel_needs() -> None:
    assert incident_line(done(), followed(18, 18, 18, 19)) == (
        f"12:03 UTC production {REAL} → {STUB} by alice, INC-42, rev 18, "
        "4/4 processes in 0.4 s, until 16:03"
    )


def test_the_incident_line_promises_nothing_that_was_not_seen() -> None:
    line = incident_line(done(), followed(18, 17))
    assert line is not None
    assert "1/2 processes, until" in line
    assert " in 0.4 s" not in line


def test_the_incident_line_counts_silent_processes() -> None:
    silent = [report(name, heard_at=NOON - FOUR_HOURS) for name in "xy"]
    both = [report("a", revision=18, started_at=NOON - FOUR_HOURS, heard_at=NOON), *silent]
    line = incident_line(done(), followers(Heard(both), 18, NOON, COMMIT))
    assert line is not None
    assert "rev 18, 1/1 process in 0.4 s, 2 silent, until" in line
    alone = incident_line(done(), followers(Heard(silent), 18, NOON, COMMIT))
    assert alone is not None
    assert "rev 18, 2 silent, until" in alone


def test_the_sentence_counts_silent_processes() -> None:
    both = [report("a", revision=18, heard_at=NOON), report("b", heard_at=NOON - FOUR_HOURS)]
    text = followers(Heard(both), 18, NOON, None).sentence
    assert text == "1 of 1 process heard of on this host follows; 1 is silent"


def test_the_incident_line_names_an_unproven_name_as_such() -> None:
    told = event(Action.ROLL_BACK, revision=18, mode_before=REAL, claim="bob")
    line = incident_line(done(told))
    assert line is not None
    assert "by alice (says bob)," in line


def test_an_act_that_changed_nothing_has_no_incident_line() -> None:
    assert incident_line(done(event(Action.ROLL_BACK, Outcome.ALREADY))) is None


def test_an_ended_rollback_lasts_until_nothing() -> None:
    told = event(Action.END_ROLLBACK, revision=19, mode_before=STUB, mode_after=REAL)
    line = incident_line(done(told, rollback(ended_at=NOON)))
    assert line == f"12:03 UTC production {STUB} → {REAL} by alice, INC-42, rev 19"


def test_every_process_behind_is_named() -> None:
    text = followed(18, 17).sentence
    assert text.startswith("1 of 2 processes heard of on this host follow; behind: pid ")


def test_without_a_live_process_nothing_is_proven() -> None:
    assert "nobody is proven to follow" in followed().sentence


def test_the_receipt_says_what_to_do_next() -> None:
    assert "flagctl end" in receipt_record(done(), NOON).next_steps[0]
    after_end = replace(done(), state=ControlState(19, cutover()))
    assert f"flagctl rollback {STUB}" in receipt_record(after_end, NOON).next_steps[0]


def test_a_break_glass_file_that_makes_an_act_useless_is_said() -> None:
    state = ControlState(19, cutover())
    assert "BREAK_GLASS" in warnings_for(state, (), SAFE, NOON)[0]
    assert warnings_for(ControlState(18, cutover(), rollback(mode=SAFE)), (), SAFE, NOON) == ()


def test_a_pin_that_keeps_a_process_apart_is_said() -> None:
    state = ControlState(19, cutover())
    pinned = report("a", pid=4711, pin=STUB, heard_at=NOON)
    warning = warnings_for(state, [pinned, report("b", heard_at=NOON)], None, NOON)
    assert len(warning) == 1
    assert f"pid 4711 on node1 is pinned by ZPE_SLURM_ADAPTER={STUB} and gets {STUB}" in warning[0]


def test_a_pin_below_a_rollback_is_no_news() -> None:
    state = ControlState(18, cutover(), rollback(mode=SAFE))
    pinned = report("a", pin=REAL, heard_at=NOON)
    assert warnings_for(state, [pinned], None, NOON) == ()
