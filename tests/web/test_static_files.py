"""No address under the static files leads out of them, however it is written."""

from collections.abc import Callable
from http.client import HTTPConnection

import pytest
from starlette.testclient import TestClient

from tests.fuzzing import served

OUTSIDE = (
    "/static/../pyproject.toml",
    "/static/../../../../../../../../etc/passwd",
    "/static/%2e%2e/pyproject.toml",
    "/static/%2e%2e%2fpyproject.toml",
    "/static/..%2fpyproject.toml",
    "/static/..%5cpyproject.toml",
    "/static/vendor/../../pyproject.toml",
    "/static/vendor/%2e%2e/%2e%2e/pyproject.toml",
    "/static/....//pyproject.toml",
    "/static/%252e%252e/pyproject.toml",
    "/static//etc/passwd",
    "/static/%2fetc/passwd",
    "/static/app.css%00.html",
    "/static/vendor",
    "/static/vendor/",
    "/static/",
    "/static",
)


@pytest.fixture
def asked(make_web: Callable[..., TestClient]) -> Callable[[str], tuple[int, bytes]]:
    """Return a way to ask for a path as it is written: clients else tidy it up first."""

    def ask(path: str) -> tuple[int, bytes]:
        with served(make_web().app) as url:
            connection = HTTPConnection(url.removeprefix("http://"), timeout=30)
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read()
            connection.close()
        return answer.status, body

    return ask


@pytest.mark.parametrize("path", OUTSIDE)
def test_what_is_no_static_file_is_not_found(
    asked: Callable[[str], tuple[int, bytes]], path: str
) -> None:
    status, body = asked(path)
    assert status == 404
    assert b"[project]" not in body
    assert b"root:" not in body


def test_a_static_file_is_found_in_the_same_way(
    asked: Callable[[str], tuple[int, bytes]],
) -> None:
    status, body = asked("/static/app.css")
    assert status == 200
    assert b"{" in body
