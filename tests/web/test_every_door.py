"""Each act does the same by page, API and command line, and no door is softer than another."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from starlette.testclient import TestClient

from flagctl.domain.audit import AuditEvent
from flagctl.domain.change import CutOver, EndRollback, RollBack
from flagctl.domain.gate import Facts, SlurmVerdict
from flagctl.store.audit_log import AuditFilter, list_events
from flagctl.store.files import DataFiles
from flagctl.store.reading import reading
from flagctl.store.runtime_db import ProcessRegistry
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Action, Door, Mode, Outcome, Role, Source
from tests.cli.terminal import Terminal
from tests.reports import report
from tests.web.conftest import ROOT, MovedClock

SAFE, STUB, REAL = Mode
WHY = "said at every door"
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Act:
    """One act, how each door takes it, and what it comes to."""

    action: Action
    page: str
    form: Mapping[str, str]
    words: tuple[str, ...]
    begins: str = "rolled back"
    """How the store is before it."""
    api: str = ""
    """The path under /api/v1; that of the page, if it is the same."""
    body: Mapping[str, str] = field(default_factory=dict)
    """What the API is sent; the form without its revision, if it is the same."""
    flag: int | None = 2
    revision: int | None = 3
    modes: tuple[Mode, Mode] | None = None
    """The mode by flags before and after, for acts that are about it."""


ACTS = (
    Act(
        Action.ROLL_BACK,
        "/rollback",
        {"mode": SAFE, "reason": WHY},
        ("rollback", SAFE, "--reason", WHY),
        begins="cut over",
        revision=2,
        modes=(REAL, SAFE),
    ),
    Act(
        Action.RAISE_ROLLBACK,
        "/raise",
        {"mode": STUB, "reason": WHY, "revision": "2"},
        ("raise", STUB, "--reason", WHY, "--revision", "2"),
        flag=3,
        modes=(SAFE, STUB),
    ),
    Act(
        Action.END_ROLLBACK,
        "/end",
        {"reason": WHY, "follow_up": "OPS-1", "revision": "1"},
        ("end", "--reason", WHY, "--follow-up", "OPS-1", "--revision", "1"),
        begins="rolled back by default",
        flag=1,
        revision=2,
        modes=(SAFE, STUB),
    ),
    Act(
        Action.EXTEND,
        "/extend",
        {"expires": "2h", "reason": WHY, "revision": "2"},
        ("extend", "--expires", "2h", "--reason", WHY),
        modes=(SAFE, SAFE),
    ),
    Act(
        Action.HAND_OVER,
        "/handover",
        {"owner": "carol", "reason": WHY, "revision": "2"},
        ("handover", "--owner", "carol", "--reason", WHY),
        modes=(SAFE, SAFE),
    ),
    Act(
        Action.CUT_OVER,
        "/cutover",
        {"mode": SAFE, "owner": "carol", "expires": "7d", "reason": WHY, "revision": "1"},
        (
            *("cutover", SAFE, "--owner", "carol", "--expires", "7d"),
            *("--reason", WHY, "--revision", "1"),
        ),
        begins="cut over",
        revision=2,
        modes=(REAL, SAFE),
    ),
    Act(
        Action.RETIRE,
        "/retire",
        {"reason": WHY, "follow_up": "OPS-2", "revision": "1"},
        ("retire", "--reason", WHY, "--follow-up", "OPS-2", "--revision", "1"),
        begins="cut over and pinned",
        flag=1,
        revision=2,
        modes=(REAL, STUB),
    ),
    Act(
        Action.ACKNOWLEDGE,
        "/reminders/acknowledge",
        {"for": "30m"},
        ("reminders", "ack", "--for", "30m"),
        begins="expired",
        revision=None,
    ),
    Act(
        Action.CLOSE_FOLLOW_UP,
        "/reminders/close",
        {"flag": "1", "reason": WHY},
        ("follow-ups", "close", "1", "--reason", WHY),
        begins="left to do",
        api="/follow-ups/1/close",
        body={"reason": WHY},
        flag=1,
        revision=None,
    ),
)


@pytest.fixture
def clock() -> MovedClock:
    """Return the clock that commands have, too."""
    moved = MovedClock()
    moved.now = datetime.now(UTC)
    return moved


@pytest.fixture
def begun(
    store: ControlStore, clock: MovedClock, registry: ProcessRegistry, files: DataFiles
) -> Callable[[str], None]:
    """Return what brings the store into the state in which an act begins."""
    willing = Facts(verdict=SlurmVerdict(holds=True, detail="", taken_at=clock()))

    def cut_over() -> None:
        until = clock() + timedelta(days=30)
        store.apply(CutOver(REAL, "root", "green", until, 0), ROOT, willing)

    def roll_back(hours_ago: int = 0) -> None:
        then = ControlStore(files, lambda: clock() - hours_ago * HOUR)
        then.apply(RollBack(SAFE, "p99", owner="bob"), ROOT, Facts())
        then.close()

    def pin() -> None:
        later = clock() + timedelta(seconds=8)
        registry.beat(report(heard_at=later, pin=REAL, mode=REAL, source=Source.ENV))

    def end() -> None:
        store.apply(EndRollback("over", follow_up="OPS-1", revision=1), ROOT, willing)

    states: dict[str, tuple[Callable[[], None], ...]] = {
        "cut over": (cut_over,),
        "cut over and pinned": (cut_over, pin),
        "rolled back": (cut_over, roll_back),
        "rolled back by default": (roll_back,),
        "expired": (cut_over, lambda: roll_back(hours_ago=5)),
        "left to do": (roll_back, end),
    }

    def begin(name: str) -> None:
        for step in states[name]:
            step()

    return begin


@pytest.fixture
def by_door(
    sign_in: Callable[..., TestClient], api: Callable[..., TestClient], files: DataFiles
) -> Callable[[Act, Door, Role], int]:
    """Return what does an act at a door, and tells whether that took it (0) or why not."""

    def do(act: Act, door: Door, role: Role) -> int:
        if door is Door.CLI:
            return Terminal(files.directory).type(*act.words, "--json").code
        if door is Door.WEB:
            status = sign_in("alice", role).post(act.page, data=dict(act.form)).status_code
        else:
            body = act.body or {key: act.form[key] for key in act.form if key != "revision"}
            revision = act.form.get("revision")
            headers = {"If-Match": f'"{revision}"'} if revision else {}
            path = f"/api/v1{act.api or act.page}"
            status = api(role).post(path, json=dict(body), headers=headers).status_code
        return 0 if status in (200, 201, 303) else status

    return do


def newest(files: DataFiles) -> AuditEvent:
    with reading(files) as connection:
        return next(list_events(connection, AuditFilter()))


@pytest.mark.parametrize("door", [Door.WEB, Door.API, Door.CLI])
@pytest.mark.parametrize("act", ACTS, ids=lambda act: str(act.action))
def test_every_act_comes_to_the_same_at_every_door(
    act: Act,
    door: Door,
    begun: Callable[[str], None],
    by_door: Callable[..., int],
    files: DataFiles,
) -> None:
    begun(act.begins)
    assert by_door(act, door, Role.ADMIN) == 0
    event = newest(files)
    assert (event.action, event.outcome, event.source) == (act.action, Outcome.ACCEPTED, door)
    assert (event.flag_id, event.revision) == (act.flag, act.revision)
    if act.modes:
        assert (event.mode_before, event.mode_after) == act.modes
    if "reason" in act.form:
        assert WHY in (event.reason, event.detail.get("words"))


@pytest.mark.parametrize("door", [Door.WEB, Door.API])
@pytest.mark.parametrize("act", ACTS, ids=lambda act: str(act.action))
def test_a_viewer_is_refused_every_act_at_every_door_that_knows_roles(
    act: Act,
    door: Door,
    begun: Callable[[str], None],
    by_door: Callable[..., int],
    files: DataFiles,
) -> None:
    begun(act.begins)
    assert by_door(act, door, Role.VIEWER) == 403
    event = newest(files)
    assert (event.action, event.outcome, event.source) == (act.action, Outcome.REFUSED, door)
