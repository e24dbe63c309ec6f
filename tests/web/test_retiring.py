"""The end of the cutover: the flag goes once all are pinned, and what remains is said in words."""

from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from flagctl.store.files import DataFiles
from flagctl.store.reading import read_flag, reading
from flagctl.store.runtime_db import ProcessRegistry
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Mode, Role, Source
from tests.reports import report
from tests.web.conftest import MovedClock, revision
from tests.web.test_reminders_page import left_to_do, section

__all__ = ["left_to_do"]

SignIn = Callable[..., TestClient]
REAL = Mode.REAL_POLICY
PIN = "Keep ZPE_SLURM_ADAPTER=real-policy in the configuration of every service"


@pytest.fixture
def pinned(registry: ProcessRegistry, clock: MovedClock) -> ProcessRegistry:
    """Return a registry whose one live process is pinned to the top."""
    registry.beat(report(heard_at=clock(), pin=REAL, mode=REAL, source=Source.ENV))
    return registry


def test_the_page_says_before_and_after_what_remains_to_be_cleaned_up(
    sign_in: SignIn, left_to_do: ControlStore, pinned: ProcessRegistry, files: DataFiles
) -> None:
    files.break_glass.touch()
    web = sign_in("root", Role.ADMIN)
    before = web.get("/retire").text
    form = {"reason": "it is in the config", "follow_up": "OPS-9", "revision": "3"}
    done = web.post("/retire", data=form)
    assert done.status_code == 303
    after = section(web.get(done.headers["location"]).text, "remains")
    for page in (before, after):
        assert PIN in page
        assert "Do and close what flag 2 left: OPS-7" in page
        assert f"Remove {files.break_glass.absolute()}" in page
    assert "Do and close what flag 1 left: OPS-9" in after
    with reading(files) as connection:
        flag = read_flag(connection, 1)
    assert flag is not None
    assert (flag.ended_by, flag.follow_up) == ("person:root", "OPS-9")
    assert "OPS-9" in section(web.get("/reminders").text, "follow-ups")


def test_it_is_refused_while_a_live_process_is_not_pinned_to_the_mode(
    sign_in: SignIn, at_real: ControlStore, pinned: ProcessRegistry, clock: MovedClock
) -> None:
    pinned.beat(report(id="other", heard_at=clock(), pin=None, mode=REAL))
    web = sign_in("root", Role.ADMIN)
    assert "not every live process is pinned" in web.get("/retire").text
    form = {"reason": "it is in the config", "follow_up": "OPS-9", "revision": "1"}
    answer = web.post("/retire", data=form)
    assert answer.status_code == 409
    assert 'value="OPS-9"' in answer.text
    assert revision(at_real) == 1


def test_the_api_retires_it_by_the_same_rules_and_says_what_remains(
    api: Callable[..., TestClient], left_to_do: ControlStore, pinned: ProcessRegistry
) -> None:
    body = {"reason": "it is in the config", "follow_up": "OPS-9"}
    operator, admin = api(), api(Role.ADMIN)
    assert operator.post("/api/v1/retire", json=body, headers={"If-Match": "3"}).status_code == 403
    assert admin.post("/api/v1/retire", json=body).status_code == 428
    assert admin.post("/api/v1/retire", json=body, headers={"If-Match": "2"}).status_code == 412
    done = admin.post("/api/v1/retire", json=body, headers={"If-Match": "3"})
    assert done.status_code == 201
    receipt = done.json()
    assert PIN in receipt["next_steps"][0]
    assert [step for step in receipt["next_steps"] if "OPS-7" in step]
    assert receipt["warnings"] == []
    again = admin.post("/api/v1/retire", json=body, headers={"If-Match": "4"})
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
