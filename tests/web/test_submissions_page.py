"""Submissions in doubt: the page, the route, the line on the first page, and who sees what."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from flagctl.domain.times import to_text
from flagctl.store.files import DataFiles
from flagctl.store.submissions import SubmissionStore
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import DispatcherName, Role
from tests.store.test_submissions import claim
from tests.web.conftest import MovedClock

PATH = "/api/v1/submissions?state=in-doubt"
OF_A_TENANT = ("tenant_id", "workspace_id", "job_id", "management_node_id")


@pytest.fixture
def in_doubt(files: DataFiles, clock: MovedClock, store: ControlStore) -> None:
    """One submission has been in doubt for four minutes."""
    at = to_text(clock.now - timedelta(minutes=4))
    claims = SubmissionStore(files.submissions)
    given = claim(
        tenant_id="tenant-of-<b>",
        idempotency_key="secret-key",
        job_id="job-of-tenant",
        claimed_at=at,
        begun_at=at,
        claimer=None,
        dispatcher=DispatcherName.SLURM,
    )
    asyncio.run(claims.claim(given))
    claims.close()


@pytest.mark.usefixtures("in_doubt")
def test_the_page_says_age_dispatcher_job_and_what_to_do(
    sign_in: Callable[..., TestClient],
) -> None:
    page = sign_in(role=Role.ADMIN).get("/submissions").text
    assert "id of key-1" in page.replace("<wbr>", "")
    assert "4 min" in page
    assert "slurm" in page
    assert "not known" in page
    assert "It settles by itself when Slurm answers" in page
    assert "tenant-of-&lt;b&gt;" in page


@pytest.mark.usefixtures("in_doubt")
@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_ids_of_tenants_are_for_administrators_only(
    sign_in: Callable[..., TestClient], api: Callable[[Role], TestClient], role: Role
) -> None:
    page = sign_in(role=role).get("/submissions").text
    assert "id of key-1" in page
    assert "tenant-of" not in page
    assert "job-of-tenant" not in page
    (told,) = api(role).get(PATH).json()
    assert {told[name] for name in OF_A_TENANT} == {None}


@pytest.mark.usefixtures("in_doubt")
def test_administrators_are_told_ids_and_nothing_else_of_a_tenant(
    api: Callable[[Role], TestClient],
) -> None:
    answer = api(Role.ADMIN).get(PATH)
    (told,) = answer.json()
    assert (told["tenant_id"], told["job_id"]) == ("tenant-of-<b>", "job-of-tenant")
    assert (told["dispatcher"], told["age"], told["slurm_job_id"]) == ("slurm", "4 min", None)
    assert told["slurm_job_name"].startswith("flagctl-")
    assert "secret-key" not in answer.text


@pytest.mark.usefixtures("in_doubt")
def test_the_first_page_leads_there_when_there_are_any(sign_in: Callable[..., TestClient]) -> None:
    page = sign_in().get("/").text
    assert "1 submission is in doubt" in page
    assert 'href="/submissions"' in page


def test_without_any_the_first_page_is_silent_and_the_page_says_so(
    sign_in: Callable[..., TestClient], api: Callable[[Role], TestClient]
) -> None:
    web = sign_in()
    assert "in doubt" not in web.get("/").text
    assert "None is in doubt" in web.get("/submissions").text
    assert api(Role.VIEWER).get(PATH).json() == []


def test_a_file_that_can_not_be_read_is_said(
    sign_in: Callable[..., TestClient], api: Callable[[Role], TestClient], files: DataFiles
) -> None:
    web = sign_in()
    files.submissions.write_text("no database at all, whatever one asks of it. " * 50)
    assert "Whether submissions are in doubt can't be read" in web.get("/").text
    assert web.get("/submissions").status_code == 503
    assert api(Role.ADMIN).get(PATH).status_code == 503


def test_a_stranger_sees_nothing(web: TestClient) -> None:
    assert web.get("/submissions").headers["location"].startswith("/sign-in")
    assert web.get(PATH).status_code == 401


@pytest.mark.parametrize("state", ["", "?state=accepted"])
def test_no_other_submissions_can_be_asked_for(
    api: Callable[[Role], TestClient], state: str
) -> None:
    assert api(Role.ADMIN).get(f"/api/v1/submissions{state}").status_code == 422
