"""A walk past every page, in states that have something to show."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from flagctl.domain.change import Extend, RollBack
from flagctl.vocabulary import Mode
from tests.browser.hand import Hand
from tests.browser.place import Place
from tests.counting import an_hour

SAFE, STUB, _REAL = Mode
AGO = timedelta(hours=3)

Look = Callable[[str], None]

ALWAYS = (
    "/",
    "/audit",
    "/audit?person=nobody",
    "/audit?since=yesterday",
    "/processes",
    "/submissions",
    "/preflight",
    "/reminders",
    "/reminders?flag=x",
    "/runbook",
    "/people",
    "/tokens",
    "/account",
    "/no-such-page",
    "/sign-in/no-such-link",
)
ROLLED_BACK = (
    "/",
    "/rollback",
    f"/raise?mode={STUB}",
    "/end",
    "/extend",
    "/handover",
    f"/cutover?mode={STUB}",
    "/retire",
    "/flags/1",
    "/flags/3",
    "/audit",
    "/reminders",
    "/reminders?flag=3",
)


JUDGED = ("/", "/preflight", "/end")


def expired_rollback(place: Place) -> None:
    """Leave a rollback that was extended, was superseded, and is expired."""
    started = datetime.now(UTC) - AGO
    place.cut_over_to_real()
    place.act(RollBack(STUB, "p99", started + timedelta(hours=1), "bob", "INC-42"), ago=AGO)
    place.act(Extend(started + timedelta(hours=2), "late", place.revision), ago=AGO)
    place.act(RollBack(SAFE, "p99 again", started + timedelta(hours=2), "bob"), ago=AGO)
    place.count({**an_hour(datetime.now(UTC), place.revision), **an_hour(started, place.revision)})


def walk(hand: Hand, place: Place, look: Look) -> None:
    """Open each page as an administrator, and `look` at it under a name."""
    place.leave_in_doubt()
    _open_all(hand, ALWAYS, look)
    _rejected(hand, "/rollback", "Roll back now", look)
    expired_rollback(place)
    place.judge(state="DRAIN")
    _open_all(hand, JUDGED, lambda path: look(f"{path}, with a partition that drains"))
    _open_all(hand, ROLLED_BACK, look)
    _stale(hand, place, look)
    with break_glass(place):
        _open_all(hand, ("/", f"/raise?mode={STUB}"), look)
    _secrets(hand, look)


def _open_all(hand: Hand, paths: tuple[str, ...], look: Look) -> None:
    for path in paths:
        hand.open(path)
        look(path)


def _rejected(hand: Hand, path: str, button: str, look: Look) -> None:
    hand.open(path)
    hand.type("Reason", " ")
    hand.post(button)
    look(f"{path}, not taken")


def _stale(hand: Hand, place: Place, look: Look) -> None:
    hand.open("/extend")
    until = datetime.now(UTC) + timedelta(hours=1)
    place.act(Extend(until, "quicker", place.revision))
    hand.type("Reason", "slower")
    hand.post("Extend")
    look("/extend, stale")
    hand.post("Extend")
    hand.page.wait_for_url("**/receipts/*")
    look("a receipt")


def _secrets(hand: Hand, look: Look) -> None:
    hand.open("/tokens")
    hand.type("Name", "probe")
    hand.page.get_by_label("Role", exact=True).select_option("viewer")
    hand.post("Issue")
    look("a new token")


@contextmanager
def break_glass(place: Place) -> Iterator[None]:
    place.files.break_glass.touch()
    try:
        yield
    finally:
        place.files.break_glass.unlink()
