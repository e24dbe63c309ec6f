"""A button that would change nothing now is a sentence: what wins, where, how to remove it."""

from collections.abc import Callable

from starlette.testclient import TestClient

from flagctl.store.files import DataFiles
from flagctl.store.runtime_db import ProcessRegistry
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Mode, Source
from tests.reports import report
from tests.web.conftest import MovedClock, revision

SignIn = Callable[..., TestClient]


def test_break_glass_locks_what_it_makes_useless_and_says_how_to_remove_it(
    sign_in: SignIn, at_real: ControlStore, files: DataFiles
) -> None:
    files.break_glass.touch()
    web = sign_in()
    home, page = web.get("/").text, web.get("/rollback?mode=stub-policy").text
    assert "Break-glass." in home
    assert "Not offered now: Roll back to stub-policy" in home
    assert f"rm {files.break_glass.absolute()}" in page
    assert "<button class" not in page


def test_an_environment_pin_locks_what_it_makes_useless(
    sign_in: SignIn, at_real: ControlStore, registry: ProcessRegistry, clock: MovedClock
) -> None:
    low = Mode.STUB_POLICY
    registry.beat(report(heard_at=clock(), pid=77, pin=low, mode=low, source=Source.ENV))
    web = sign_in()
    page = web.get("/rollback?mode=stub-policy").text
    assert "ZPE_SLURM_ADAPTER=stub-policy" in page
    assert "pid 77" in page
    assert "<button class" not in page
    assert "<button class" in web.get("/rollback?mode=passthrough").text


def test_a_locked_act_is_still_taken_when_somebody_sends_it(
    sign_in: SignIn, at_real: ControlStore, files: DataFiles
) -> None:
    files.break_glass.touch()
    answer = sign_in().post("/rollback", data={"mode": "stub-policy", "reason": "keep it low"})
    assert answer.status_code == 303
    assert revision(at_real) == 2
