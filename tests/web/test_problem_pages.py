"""Whatever goes wrong, the page says what happened and what to do, and leads on."""

import re
from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from flagctl.store.files import DataFiles
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Role
from flagctl.web.headers import SECURITY_HEADERS
from flagctl.web.services import Services

SignIn = Callable[..., TestClient]
TOO_LARGE = {"reason": "x" * 70_000}

PROBLEMS = [
    ("GET", "/no-such-page", {}, {}, 404, "There is no such page"),
    ("GET", "/flags/99", {}, {}, 404, "There is no flag 99"),
    ("GET", "/tokens", {}, {}, 403, "administrator"),
    ("POST", "/rollback", {}, {"sec-fetch-site": "cross-site"}, 403, "another site"),
    ("POST", "/", {}, {}, 405, "asked in that way"),
    ("DELETE", "/rollback", {}, {}, 405, "asked in that way"),
    ("POST", "/rollback", TOO_LARGE, {}, 413, "at most 64 KiB"),
    ("GET", "/", {}, {"host": "evil.example"}, 422, "FLAGCTL_PUBLIC_URL"),
]


@pytest.mark.parametrize(("method", "path", "typed", "headers", "status", "word"), PROBLEMS)
def test_a_problem_is_a_page_that_says_what_to_do_and_leads_on(
    sign_in: SignIn,
    method: str,
    path: str,
    typed: dict[str, str],
    headers: dict[str, str],
    status: int,
    word: str,
) -> None:
    answer = sign_in().request(method, path, data=typed, headers=headers)
    assert answer.status_code == status
    assert word in answer.text
    assert len(re.findall("<h1", answer.text)) == 1
    assert 'role="alert"' in answer.text
    assert '<a class="button" href="/">To the first page</a>' in answer.text
    # Whoever is signed in keeps their menu.
    assert 'href="/audit"' in answer.text
    assert {name: answer.headers.get(name) for name in SECURITY_HEADERS} == dict(SECURITY_HEADERS)
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_stranger_gets_no_menu_with_a_problem(web: TestClient) -> None:
    page = web.get("/no-such-page")
    assert page.status_code == 404
    assert "<nav" not in page.text


def test_a_fault_is_a_page_that_names_no_inner_thing_and_the_way_around_it(
    sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    web = sign_in("root", Role.ADMIN)
    broken = TestClient(
        web.app, base_url=str(web.base_url), cookies=web.cookies, raise_server_exceptions=False
    )

    def fault(_: Services) -> None:
        raise RuntimeError("a secret thing in /some/file.py")

    monkeypatch.setattr("flagctl.web.processes.look", fault)
    answer = broken.get("/processes")
    assert answer.status_code == 500
    assert "<code>flagctl status</code>" in answer.text
    assert "secret thing" not in answer.text
    assert 'href="/audit"' in answer.text
    assert {name: answer.headers.get(name) for name in SECURITY_HEADERS} == dict(SECURITY_HEADERS)
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_store_in_trouble_is_a_page_with_the_way_to_lower_the_mode_without_it(
    sign_in: SignIn, store: ControlStore, files: DataFiles
) -> None:
    web = sign_in()
    files.control.write_bytes(b"")
    for method, path in (("GET", "/"), ("GET", "/audit"), ("POST", "/rollback")):
        answer = web.request(method, path)
        assert answer.status_code == 503, path
        assert f"touch {files.break_glass.absolute()}" in answer.text
