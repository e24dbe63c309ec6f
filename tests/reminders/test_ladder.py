"""Who can't be told is stood in for by the next in the ladder, and the message says so."""

from datetime import timedelta

from flagctl.domain.change import RollBack
from flagctl.domain.delivery import BACK_OFF
from flagctl.domain.reminder_words import DeliveryState
from flagctl.reminders.addresses import parse_addresses
from flagctl.store.people import disable_person
from flagctl.store.reading import reading
from flagctl.store.reminder_reading import read_failed
from flagctl.vocabulary import Mode
from tests.reminders.conftest import Site
from tests.store.acts import ANNA, facts

LEAD = timedelta(minutes=225)


def begin(site: Site) -> None:
    site.store.apply(RollBack(Mode.PASSTHROUGH, "slow", owner="bob"), ANNA, facts())


def test_an_owner_without_an_address_is_stood_in_for_by_the_operators(site: Site) -> None:
    site.add_person("bob")
    begin(site)
    runner = site.runner()
    site.turn(runner, after=LEAD)
    told = site.receiver.taken("/ops")[-1]
    assert "expires in 15 min" in told.title
    assert (
        "bob, the owner, has no address for reminders, so this goes to the operators'" in told.text
    )


def test_an_owner_whom_nobody_knows_is_stood_in_for(site: Site) -> None:
    begin(site)
    site.turn(site.runner(), after=LEAD)
    assert "bob, the owner, is not among the people" in site.receiver.taken("/ops")[-1].text


def test_a_disabled_owner_is_stood_in_for(site: Site) -> None:
    site.add_person("bob", "/bob")
    disable_person(site.store, "bob", ANNA)
    begin(site)
    site.turn(site.runner(), after=LEAD)
    assert site.receiver.taken("/bob") == []
    assert "bob, the owner, is disabled" in site.receiver.taken("/ops")[-1].text


def test_without_an_operators_channel_the_administrators_stand_in(site: Site) -> None:
    begin(site)
    site.turn(site.runner(operators=""), after=LEAD)
    told = site.receiver.taken("/admins")[-1]
    assert "so this goes to the administrators' channel." in told.text


def test_an_owner_disabled_while_a_reminder_waits_is_stood_in_for(site: Site) -> None:
    site.add_person("bob", "/bob")
    site.receiver.answers["/bob"] = 500
    begin(site)
    runner = site.runner()
    site.turn(runner, after=LEAD)
    disable_person(site.store, "bob", ANNA)
    site.receiver.answers.clear()
    site.turn(runner, after=BACK_OFF[0])
    assert site.receiver.taken("/bob") == []
    assert "bob, the owner, is disabled" in site.receiver.taken("/ops")[-1].text
    assert ("bob", DeliveryState.PASSED_ON) in site.states()


def test_when_nobody_at_all_can_be_told_that_is_kept_and_shown(site: Site) -> None:
    begin(site)
    site.turn(site.runner(operators="", admins=""), after=LEAD)
    with reading(site.files) as connection:
        failed = read_failed(connection)
    assert {each.label for each in failed} == {"no address"}
    assert "Set FLAGCTL_NOTIFY_URLS" in (failed[0].error or "")


def test_an_address_that_stands_in_both_channels_is_told_once(site: Site) -> None:
    begin(site)
    same = site.receiver.url("/ops")
    site.turn(site.runner(operators=same, admins=same), after=timedelta(hours=8))
    assert site.receiver.twice() == []
    assert len(site.receiver.taken("/ops")) == 2


def test_a_person_may_only_have_an_address_with_an_allowed_scheme(site: Site) -> None:
    site.add_person("bob", "/bob")
    with site.store.transaction() as at:
        at.connection.execute("UPDATE person SET notify_url = 'syslog://localhost'")
    begin(site)
    site.turn(site.runner(), after=LEAD)
    assert ("bob", DeliveryState.DEAD) in site.states()
    assert "bob (syslog) was not reached" in site.receiver.taken("/ops")[-1].text


def test_addresses_are_separated_by_blanks_commas_and_lines() -> None:
    text = "json://a/x?to=1,2, json://b/y;json://c\n  json://d "
    assert [each.url for each in parse_addresses(text)] == [
        "json://a/x?to=1,2",
        "json://b/y",
        "json://c",
        "json://d",
    ]
    assert parse_addresses("  ") == []


def test_a_label_names_the_host_only_where_it_is_one() -> None:
    hooks, chat, topic = parse_addresses(
        "json://user:pw@hooks.example.org:81/secret slack://aaa/bbb/ccc ntfys://my-topic"
    )
    assert hooks.label.startswith("json://hooks.example.org:81 (")
    assert chat.label.startswith("slack://… (")
    assert topic.label.startswith("ntfys://… (")
    assert "secret" not in repr(hooks)
