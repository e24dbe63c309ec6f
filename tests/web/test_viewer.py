"""A viewer sees everything about the flags and can change nothing, by whichever door."""

import json
import os
import subprocess
import sys
from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from flagctl.store.files import DataFiles
from flagctl.store.tokens import TokenRequest, issue_token
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Outcome, Role
from flagctl.web.navigation import menu_for
from tests.web import doors
from tests.web.conftest import ROOT, last_outcome

SignIn = Callable[..., TestClient]

# Finding out whether the chain holds changes nothing, so nobody's trying is in the trail.
NOT_AN_ACT = {"/audit/verify"}

LOOKS = [place.path for place in menu_for(Role.VIEWER)]
LOOKS += ["/submissions", "/account", "/flags/2", "/receipts/2"]
API_LOOKS = ["mode", "flags", "processes", "audit", "preflight", "reminders", "follow-ups"]


@pytest.fixture
def given(rolled_back: ControlStore) -> ControlStore:
    """Return a store in which everything that the doors lead to is there."""
    issue_token(rolled_back, TokenRequest("sample", role=Role.OPERATOR), ROOT)
    return rolled_back


@pytest.fixture
def victor(sign_in: SignIn, given: ControlStore) -> TestClient:
    return sign_in("victor", Role.VIEWER)


def test_every_door_of_the_app_is_tried_below(victor: TestClient) -> None:
    assert doors.doors_of(victor.app) == {*doors.FORMS, *doors.ONES_OWN, *doors.API}  # type: ignore[arg-type]


@pytest.mark.parametrize("path", doors.FORMS)
def test_a_viewer_can_change_nothing_by_any_form(
    victor: TestClient, files: DataFiles, path: str
) -> None:
    before = doors.what_counts(files)
    answer = victor.post(path, data=doors.FORMS[path])
    assert answer.status_code == 403
    assert "viewer" in answer.text
    assert doors.what_counts(files) == before
    assert path in NOT_AN_ACT or last_outcome(files) is Outcome.REFUSED


@pytest.mark.parametrize("path", doors.FORMS)
def test_an_administrator_comes_through_each_of_those_doors(
    sign_in: SignIn, victor: TestClient, path: str
) -> None:
    """Else what refuses a viewer might be something else than the role."""
    root = sign_in("root", Role.ADMIN)
    assert root.post(path, data=doors.FORMS[path]).status_code in {201, 303, 404, 409}


@pytest.mark.parametrize("path", doors.FORMS)
def test_a_viewers_page_has_no_button_that_leads_through_a_door(
    victor: TestClient, path: str
) -> None:
    for shown in LOOKS:
        page = victor.get(shown).text.partition("<main")[2]
        assert f'action="{path}"' not in page, shown
        assert f'href="{path}' not in page.replace('href="/audit', ""), shown


@pytest.mark.parametrize("name", doors.ACTS)
def test_the_form_of_an_act_has_its_button_off_and_says_why(victor: TestClient, name: str) -> None:
    page = victor.get(f"/{name}")
    assert page.status_code == 200
    assert '<button class="act" disabled aria-describedby="refusal"' in page.text


@pytest.fixture
def token_of_the_command_line(given: ControlStore, files: DataFiles) -> str:
    """Return a viewer's token, issued as an administrator does on the host."""
    ran = subprocess.run(
        [sys.executable, "-m", "flagctl", "tokens", "issue", "vic", "--role", "viewer", "--json"],
        env={**os.environ, "FLAGCTL_DATA_DIR": str(files.directory)},
        check=True,
        capture_output=True,
        text=True,
    )
    secret: str = json.loads(ran.stdout)["secret"]
    return secret


def test_a_viewers_token_from_the_command_line_changes_nothing_by_any_act_of_the_api(
    make_web: SignIn, files: DataFiles, token_of_the_command_line: str
) -> None:
    web, before = make_web(), doors.what_counts(files)
    web.headers["Authorization"] = f"Bearer {token_of_the_command_line}"
    for path, body in doors.API.items():
        answer = web.post(doors.address(path), json=dict(body), headers=doors.IF_MATCH)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), path
        assert last_outcome(files) is Outcome.REFUSED
    assert doors.what_counts(files) == before
    for name in API_LOOKS:
        assert web.get(f"{doors.API_PREFIX}/{name}").status_code == 200, name


def test_no_token_opens_a_page_and_no_cookie_opens_the_api(
    victor: TestClient, make_web: SignIn, files: DataFiles, token_of_the_command_line: str
) -> None:
    before = doors.what_counts(files)
    bearer = {"Authorization": f"Bearer {token_of_the_command_line}"}
    for path, typed in doors.FORMS.items():
        assert make_web().post(path, data=typed, headers=bearer).status_code in {303, 401}, path
    for path, body in doors.API.items():
        assert (
            victor.post(doors.address(path), json=dict(body), headers=doors.IF_MATCH).status_code
            == 401
        ), path
    assert doors.what_counts(files) == before


@pytest.mark.parametrize("path", [*doors.FORMS, *doors.API])
def test_a_stranger_changes_nothing_by_any_door(
    make_web: SignIn, given: ControlStore, files: DataFiles, path: str
) -> None:
    before = doors.what_counts(files)
    answer = make_web().post(doors.address(path), data=doors.FORMS.get(path, {}))
    is_page = path in doors.FORMS
    assert answer.status_code in ({303, 401} if is_page else {401})
    assert answer.headers.get("location", "/sign-in").startswith("/sign-in")
    assert doors.what_counts(files) == before


@pytest.mark.parametrize("path", [*LOOKS, "/rollback"])
def test_a_viewer_sees_every_page_about_the_flags(victor: TestClient, path: str) -> None:
    assert victor.get(path).status_code == 200


@pytest.mark.parametrize("path", ["/people", "/tokens"])
def test_people_and_tokens_are_for_administrators(sign_in: SignIn, path: str) -> None:
    assert sign_in("alice", Role.OPERATOR).get(path).status_code == 403
    assert sign_in("root", Role.ADMIN).get(path).status_code == 200
