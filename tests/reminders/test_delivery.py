"""Trouble on the way: retries, other channels, redirects, and what is given up."""

from datetime import timedelta

import pytest

from flagctl.domain.delivery import BACK_OFF, CLAIM
from flagctl.domain.reminder_words import DeliveryState
from flagctl.reminders.addresses import Address
from flagctl.reminders.post import Message, masked, send
from flagctl.store.lease import LEASE
from flagctl.store.reading import reading
from flagctl.store.reminder_reading import read_failed
from flagctl.vocabulary import Mode
from tests.reminders.conftest import Site
from tests.reminders.receiver import Receiver
from tests.store.acts import roll_back
from tests.waiting import wait_until

SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
HELLO = Message("hello", "you there")


def address(url: str) -> Address:
    return Address("c", "c", url)


def errors(site: Site) -> list[str | None]:
    """How each attempt of the first reminder went."""
    return [attempt.error for attempt in site.followed()[0].attempts]


def test_a_receiver_that_answers_500_is_tried_until_it_takes_it(site: Site) -> None:
    roll_back(site.store)
    site.receiver.answers["/ops"] = 500
    runner = site.runner()
    site.turn(runner)
    site.turn(runner, after=BACK_OFF[0])
    site.receiver.answers.clear()
    site.turn(runner, after=BACK_OFF[1] - SECOND)
    assert site.receiver.taken() == []
    site.turn(runner, after=SECOND)
    assert len(site.receiver.taken()) == 1
    first, second, third = errors(site)
    assert first == second
    assert "error=500" in (first or "")
    assert third is None


def test_a_receiver_that_is_down_gets_it_when_it_is_back(site: Site) -> None:
    port = site.receiver.port
    site.receiver.close()
    roll_back(site.store)
    runner = site.runner()
    site.turn(runner)
    assert "Connection error" in (errors(site)[0] or "")
    back = Receiver(port)
    try:
        site.turn(runner, after=BACK_OFF[0])
        assert len(back.taken()) == 1
    finally:
        back.close()


def test_one_channel_that_fails_does_not_hold_up_another(site: Site) -> None:
    roll_back(site.store)
    site.receiver.answers["/broken"] = 500
    both = f"{site.receiver.url('/broken')}, {site.receiver.url('/ops')}"
    site.turn(site.runner(operators=both))
    assert len(site.receiver.taken("/ops")) == 1


def test_one_channel_that_hangs_does_not_hold_up_another(site: Site) -> None:
    roll_back(site.store)
    site.receiver.hanging.add("/slow")
    both = f"{site.receiver.url('/slow')}?rto=20 {site.receiver.url('/ops')}"
    runner = site.runner(operators=both)
    runner.turn()
    assert not runner.wait(0.5)
    assert len(site.receiver.taken("/ops")) == 1
    roll_back(site.store, mode=Mode.STUB_POLICY)
    site.receiver.let_go()
    assert runner.wait(20)
    assert len(site.receiver.taken("/slow")) == 1


def test_a_receiver_that_never_answers_is_a_failure_like_another(site: Site) -> None:
    roll_back(site.store)
    site.receiver.hanging.add("/slow")
    site.turn(site.runner(operators=f"{site.receiver.url('/slow')}?rto=0.2"))
    (error,) = errors(site)
    assert "Connection error" in (error or "")


def test_a_channel_that_redirects_is_not_followed_whatever_its_address_asks_for(
    site: Site,
) -> None:
    roll_back(site.store)
    site.receiver.answers["/moved"] = 302
    url = f"{site.receiver.url('/moved')}?redirect=yes&retry=3&wait=0.01"
    site.turn(site.runner(operators=url))
    assert [each.path for each in site.receiver.arrivals] == ["/moved"]
    (error,) = errors(site)
    assert "a redirect is not followed" in (error or "")


def test_what_can_never_be_delivered_is_given_up_and_the_next_in_the_ladder_told(
    site: Site,
) -> None:
    site.receiver.answers["/ops"] = 500
    roll_back(site.store)
    runner = site.runner()
    site.turn(runner)
    for wait in BACK_OFF:
        site.turn(runner, after=wait)
    assert len(errors(site)) == len(BACK_OFF) + 2
    assert errors(site)[-1] is None
    with reading(site.files) as connection:
        (dead,) = read_failed(connection)
    assert "error=500" in (dead.error or "")
    (told,) = site.receiver.taken("/admins")
    assert "was not reached, so this goes to the administrators' channel." in told.text


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("nosuch://somewhere", "the scheme nosuch:// is not allowed"),
        ("syslog://localhost", "the scheme syslog:// is not allowed"),
        ("gibberish", "the scheme unknown:// is not allowed"),
        ("slack://x", "Apprise does not understand this address"),
    ],
)
def test_an_address_that_cannot_be_used_fails_with_its_reason_and_blocks_no_other(
    site: Site, url: str, reason: str
) -> None:
    roll_back(site.store)
    site.turn(site.runner(operators=f"{url} {site.receiver.url('/ops')}"))
    assert len(site.receiver.taken("/ops")) == 1
    assert reason in " ".join(filter(None, errors(site)))


def test_a_scheme_off_the_list_is_not_tried_again(site: Site) -> None:
    roll_back(site.store)
    site.turn(site.runner(operators="syslog://localhost"))
    assert site.states()[0] == ("syslog://…", DeliveryState.DEAD)
    assert len(site.receiver.taken("/admins")) == 1


def test_a_channel_that_is_configured_no_more_passes_on_what_waits_for_it(site: Site) -> None:
    site.receiver.answers["/old"] = 500
    roll_back(site.store)
    site.turn(site.runner(operators=site.receiver.url("/old")))
    site.runners[0].release()
    site.turn(site.runner(), after=BACK_OFF[0])
    assert [state for _, state in site.states()] == [
        DeliveryState.PASSED_ON,
        DeliveryState.DELIVERED,
    ]
    (told,) = site.receiver.taken("/admins")
    assert "this address is not configured any more" in told.text


SECRETS = (
    "slack://TokenA1234/TokenB5678/TokenC91011?x=queryvalue",
    "json://user:pa55word@example.org:8080/hook/s3cr3tpath?key=queryvalue#frag1234",
    "ntfys://my-secret-topic",
    "mailtos://alice:pa55%20word@example.org?to=bob@example.org",
)


@pytest.mark.parametrize("url", SECRETS)
def test_no_secret_of_an_address_is_left_in_an_error(url: str) -> None:
    text = f"posting to {url} failed: TokenA1234 TokenB5678 pa55word s3cr3tpath queryvalue "
    shown = masked(f"{text} my-secret-topic pa55 word frag1234", url)
    for secret in ("TokenB5678", "pa55word", "s3cr3tpath", "my-secret-topic", "queryvalue"):
        assert secret not in shown or secret not in url


def test_no_secret_reaches_the_database(site: Site) -> None:
    site.receiver.answers["/hook/s3cr3tpath"] = 500
    roll_back(site.store)
    site.turn(site.runner(operators=site.receiver.url("/hook/s3cr3tpath")))
    assert b"s3cr3tpath" not in b"".join(
        path.read_bytes() for path in site.files.directory.glob("control.db*")
    )


def test_a_failure_names_what_went_wrong_and_never_raises(receiver: Receiver) -> None:
    receiver.answers["/x"] = 404
    assert "error=404" in (send(address(receiver.url("/x")), HELLO) or "")
    assert send(address("json://[::bad"), HELLO)
    assert send(address(receiver.url("/ok")), HELLO) is None


def test_the_lease_of_a_process_that_died_is_taken_over_within_seconds(site: Site) -> None:
    one, two = site.runner(), site.runner()
    assert site.turn(one)
    assert not site.turn(two, after=LEASE - SECOND)
    assert site.turn(two, after=SECOND)
    assert not site.turn(one)


@pytest.mark.parametrize("jump", [24 * HOUR, -24 * HOUR])
def test_a_clock_that_jumps_takes_the_lease_from_nobody(site: Site, jump: timedelta) -> None:
    one, two = site.runner(), site.runner()
    assert site.turn(one)
    site.clock.jump(jump)
    assert not site.turn(two)
    assert site.turn(one)


def test_a_lease_of_before_the_machine_was_started_again_is_taken_over(site: Site) -> None:
    one, two = site.runner(), site.runner()
    assert site.turn(one)
    site.clock.boot = "another-boot"
    assert site.turn(two)


def test_what_was_taken_while_the_store_could_not_be_written_is_not_sent_twice(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    roll_back(site.store)
    runner = site.runner(busy_timeout_s=0.05)
    site.receiver.hanging.add("/ops")
    assert runner.turn()
    wait_until(lambda: site.receiver.held)
    with site.store.transaction():
        site.receiver.let_go()
        wait_until(lambda: "went waits" in caplog.text or "is tried again" in caplog.text)
        site.clock.forward(2 * CLAIM)
    assert runner.wait(30)
    assert ("json://127.0.0.1", DeliveryState.DELIVERED) in [
        (label.rpartition(":")[0], state) for label, state in site.states()
    ]
    site.turn(site.runner(), after=LEASE)
    assert len(site.receiver.taken()) == 1


def test_a_lost_runtime_db_silences_nobody_and_tells_nothing_twice(site: Site) -> None:
    roll_back(site.store)
    one, two = site.runner(), site.runner()
    site.files.runtime.mkdir()
    assert site.turn(one)
    assert site.turn(two)
    assert len(site.receiver.taken()) == 1
