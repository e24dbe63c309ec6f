"""Administrators let people in, give roles, make links and tokens; secrets are shown once."""

import re
from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from flagctl.vocabulary import Role
from tests.web.conftest import PASSWORD

SignIn = Callable[..., TestClient]


@pytest.fixture
def admin(sign_in: SignIn) -> TestClient:
    return sign_in("root", Role.ADMIN)


def secret(page: str) -> str:
    found = re.search(r'id="secret">([^<]+)<', page)
    assert found
    return found[1]


def test_letting_somebody_in_shows_a_link_that_works_once(
    admin: TestClient, make_web: SignIn
) -> None:
    answer = admin.post("/people", data={"name": "dora", "role": "operator"})
    assert answer.status_code == 201
    address = secret(answer.text)
    assert address.startswith("http://127.0.0.1:8600/sign-in/")
    assert address not in admin.get("/people").text
    web = make_web()
    path = address.removeprefix("http://127.0.0.1:8600")
    assert "Welcome, dora" in web.get(path).text
    typed = {"password": PASSWORD, "repeated": PASSWORD}
    assert web.post(path, data=typed).status_code == 303
    assert web.post("/rollback", data={"mode": "passthrough", "reason": "r"}).status_code == 303


def test_a_role_is_given_and_a_person_disabled(sign_in: SignIn, admin: TestClient) -> None:
    web = sign_in("alice", Role.VIEWER)
    assert admin.post("/people/role", data={"name": "alice", "role": "admin"}).status_code == 303
    assert web.get("/tokens").status_code == 200
    assert admin.post("/people/disable", data={"name": "alice"}).status_code == 303
    assert web.get("/").status_code == 303
    assert "disabled" in admin.get("/people").text


@pytest.mark.parametrize(
    ("path", "typed"),
    [("/people/role", {"name": "root", "role": "viewer"}), ("/people/disable", {"name": "root"})],
)
def test_the_last_administrator_cannot_be_lost(
    admin: TestClient, path: str, typed: dict[str, str]
) -> None:
    answer = admin.post(path, data=typed)
    assert answer.status_code == 409
    assert "last administrator" in answer.text
    assert admin.get("/people").status_code == 200


@pytest.mark.parametrize(
    ("path", "typed", "status"),
    [
        ("/people", {"name": "", "role": "viewer"}, 422),
        ("/people", {"name": "dora", "role": "king"}, 422),
        ("/people", {"name": "root", "role": "viewer"}, 409),
        ("/people/link", {"name": "nobody"}, 404),
        ("/tokens", {"name": "ci"}, 422),
        ("/tokens", {"name": "ci", "role": "viewer", "tenant": "t1"}, 422),
        ("/tokens/revoke", {"name": "nothing"}, 404),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_page(
    admin: TestClient, path: str, typed: dict[str, str], status: int
) -> None:
    answer = admin.post(path, data=typed)
    assert answer.status_code == status
    assert 'role="alert"' in answer.text


def test_a_token_is_shown_once_and_can_be_revoked(admin: TestClient) -> None:
    typed = {"name": "ci", "tenant": "t1", "workspaces": "w1, w2", "nodes": ""}
    answer = admin.post("/tokens", data=typed)
    assert answer.status_code == 201
    shown = secret(answer.text)
    page = admin.get("/tokens").text
    assert shown not in page
    assert "tenant t1, workspace w1, w2, any node" in page
    assert admin.post("/tokens/revoke", data={"name": "ci"}).status_code == 303
    assert "revoked" in admin.get("/tokens").text
