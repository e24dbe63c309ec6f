"""`flagctl reminders`, `follow-ups` and `retire`, as somebody types them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from flagctl.domain.change import CutOver, EndRollback, RollBack
from flagctl.domain.process import ProcessReport
from flagctl.store.people import add_person
from flagctl.store.runtime_db import ProcessRegistry
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Freshness, Mode, Part, Role, Source
from tests.cli.terminal import CAROL, Terminal
from tests.reminders.receiver import Receiver

LOW, MIDDLE, HIGH = Mode
HOUR = timedelta(hours=1)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


def expired_rollback(terminal: Terminal) -> None:
    """A rollback of carol's, begun five hours ago, expired one hour ago."""
    change = RollBack(LOW, "p99 over 30 s", incident="INC-42")
    terminal.act(change, at=datetime.now(UTC) - 5 * HOUR)


def test_run_tells_what_is_due_and_list_shows_it(terminal: Terminal, receiver: Receiver) -> None:
    expired_rollback(terminal)
    ran = terminal.do("reminders", "run", "--json", FLAGCTL_NOTIFY_URLS=receiver.url())
    assert ran.json == {"ran": True, "failed": []}
    assert [title.partition("] ")[2] for title in receiver.titles()] == [
        "stub-policy → passthrough by carol",
        "Rollback at passthrough expired 1 h ago, owner carol",
    ]
    listed = terminal.do("reminders", "list")
    assert "Comes next:\n  rollback flag 1 of carol: next 4 hours after" in listed.out
    assert "flag 1, 1 hour after" in listed.out
    assert "the operators' channel, json://127.0.0.1" in listed.out


def test_list_in_json_has_every_attempt(terminal: Terminal, receiver: Receiver) -> None:
    expired_rollback(terminal)
    receiver.answers["/ops"] = 500
    terminal.do("reminders", "run", FLAGCTL_NOTIFY_URLS=receiver.url())
    told = terminal.do("reminders", "list", "--json").json
    delivery = told["reminders"][0]["deliveries"][0]
    assert delivery["state"] == "waiting"
    assert "error=500" in delivery["history"][0]["error"]
    assert told["upcoming"][0]["stage"] == "hour-4"


def test_a_failed_delivery_is_an_exit_status_until_it_is_acknowledged(terminal: Terminal) -> None:
    expired_rollback(terminal)
    ran = terminal.type("reminders", "run")
    assert ran.code == 5
    listed = terminal.do("reminders", "list").out
    assert "Failed, until `flagctl reminders ack`:" in listed
    assert "nobody could be told" in listed
    acknowledged = terminal.do("reminders", "ack", "--for", "30m").out
    assert "hour-1 of flag 1 is held until" in acknowledged
    assert "noted as seen" in acknowledged
    assert terminal.do("reminders", "list", "--json").json["failed"] == []


@pytest.mark.parametrize("span", ["2h", "0s", "soon"])
def test_a_snooze_that_is_no_span_up_to_an_hour_is_not_taken(terminal: Terminal, span: str) -> None:
    expired_rollback(terminal)
    assert terminal.type("reminders", "ack", "--for", span).code == 2


def test_without_anything_to_acknowledge_the_answer_is_a_refusal(terminal: Terminal) -> None:
    answer = terminal.type("reminders", "ack")
    assert (answer.code, "nothing to acknowledge" in answer.err) == (7, True)


def test_a_test_message_says_whether_it_was_taken(terminal: Terminal, receiver: Receiver) -> None:
    receiver.answers["/broken"] = 500
    urls = f"{receiver.url('/ops')} {receiver.url('/broken')} syslog://localhost"
    answer = terminal.type("reminders", "test", "--to", "operators", FLAGCTL_NOTIFY_URLS=urls)
    taken, broken, refused = answer.out.splitlines()
    assert taken.endswith(": taken")
    assert "error=500" in broken
    assert "the scheme syslog:// is not allowed" in refused
    assert answer.code == 5
    assert "a test of flagctl's reminders" in receiver.titles()[0]


def test_a_test_message_needs_somewhere_to_go(terminal: Terminal) -> None:
    for words in ((), ("--to", "owner"), ("--to", "admins", "--person", "carol")):
        assert terminal.type("reminders", "test", *words).code == 2
    unset = terminal.type("reminders", "test", "--to", "admins")
    assert (unset.code, "FLAGCTL_NOTIFY_ADMIN_URLS" in unset.err) == (2, True)
    store = ControlStore(terminal.files, lambda: datetime.now(UTC))
    add_person(store, "carol", Role.ADMIN, CAROL)
    store.close()
    nowhere = terminal.type("reminders", "test", "--person", "carol")
    assert (nowhere.code, "has no address" in nowhere.err) == (2, True)


def test_a_follow_up_is_listed_until_somebody_closes_it(terminal: Terminal) -> None:
    terminal.act(RollBack(LOW, "slow"))
    terminal.act(EndRollback("mended", follow_up="INC-42", revision=1))
    assert "flag 1, ended by carol" in terminal.do("follow-ups", "list").out
    assert "Still to be done:" in terminal.do("reminders", "list").out
    closed = terminal.do("follow-ups", "close", "1", "--reason", "the limit is raised")
    assert "closed by" in closed.out
    assert terminal.do("follow-ups", "list").out == "Nothing is left to do.\n"
    assert terminal.do("follow-ups", "list", "--all", "--json").json[0]["link"] == "INC-42"
    assert terminal.type("follow-ups", "close", "1", "--reason", "again").code == 7
    assert terminal.type("follow-ups", "close", "9", "--reason", "what").code == 2


def live_process(terminal: Terminal, pin: Mode | None) -> ProcessRegistry:
    registry = ProcessRegistry(terminal.files)
    at = datetime.now(UTC)
    registry.beat(
        ProcessReport(
            id="p1",
            host="node1",
            pid=12,
            role=Part.RUNTIME,
            version="1",
            started_at=at,
            heard_at=at + timedelta(seconds=8),
            pin=pin,
            mode=HIGH,
            configured=HIGH,
            source=Source.ENV,
            freshness=Freshness.FRESH,
            revision=1,
            first_used={1: at},
            in_flight={},
        )
    )
    return registry


def test_retire_ends_the_cutover_and_says_what_remains_to_be_cleaned_up(
    terminal: Terminal,
) -> None:
    cut_over = CutOver(HIGH, "carol", "go", datetime.now(UTC) + 30 * 24 * HOUR, revision=0)
    terminal.act(cut_over)
    terminal.act(RollBack(LOW, "slow"))
    terminal.act(EndRollback("mended", follow_up="INC-7", revision=2))
    terminal.act(RollBack(LOW, "slow again"))
    registry = live_process(terminal, HIGH)
    words = ("--reason", "it is permanent now", "--follow-up", "CHG-9", "--revision", "4")
    answer = terminal.do("retire", *words, "--json").json
    registry.goodbye("p1")
    assert answer["action"] == "retire"
    assert answer["warnings"] == []
    keep, end, first, second, take_out = answer["next_steps"]
    assert "Keep ZPE_SLURM_ADAPTER=real-policy" in keep
    assert "End rollback flag 3 of carol" in end
    assert "flag 2 left: INC-7 (flagctl follow-ups close 2 --reason TEXT)" in first
    assert "flag 1 left: CHG-9" in second
    assert "rollback" in take_out


@pytest.mark.parametrize("pin", [None, MIDDLE])
def test_retire_is_refused_while_a_process_is_not_pinned_to_the_mode(
    terminal: Terminal, pin: Mode | None
) -> None:
    cut_over = CutOver(HIGH, "carol", "go", datetime.now(UTC) + 30 * 24 * HOUR, revision=0)
    terminal.act(cut_over)
    registry = live_process(terminal, pin)
    answer = terminal.type("retire", "--reason", "done", "--follow-up", "CHG-9", "--revision", "1")
    registry.goodbye("p1")
    assert answer.code == 7
    assert "not every live process is pinned by ZPE_SLURM_ADAPTER=real-policy" in answer.err


def test_doctor_says_when_no_channel_is_configured_or_one_cannot_be_used(
    terminal: Terminal,
) -> None:
    assert "warning reminders: no channel is configured" in terminal.type("doctor").out
    broken = terminal.type("doctor", FLAGCTL_NOTIFY_URLS="syslog://s3cr3t")
    assert "FAILED  reminders: syslog://… (" in broken.out
    assert "s3cr3t" not in broken.out
    fine = terminal.type("doctor", FLAGCTL_NOTIFY_URLS="json://127.0.0.1:1")
    assert "ok      reminders: 0 deliveries waiting, 0 failed" in fine.out
