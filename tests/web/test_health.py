"""Health, readiness, and what every answer carries."""

from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from flagctl.web.headers import CONTENT_SECURITY_POLICY


def test_healthz_answers_while_the_store_is_missing(make_web: Callable[..., TestClient]) -> None:
    answer = make_web().get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_readyz_names_the_revision_it_can_read(web: TestClient) -> None:
    answer = web.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "revision": 0})


def test_readyz_names_the_trouble(make_web: Callable[..., TestClient]) -> None:
    answer = make_web().get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["trouble"] == "missing"


@pytest.mark.parametrize("path", ["/", "/healthz", "/nowhere", "/static/app.css"])
def test_every_answer_carries_the_security_headers(web: TestClient, path: str) -> None:
    headers = web.get(path).headers
    assert headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "no-store"


def test_the_policy_allows_nothing_inline() -> None:
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert "default-src 'none'" in CONTENT_SECURITY_POLICY


def test_a_static_file_is_kept_under_its_hash_only(web: TestClient) -> None:
    page = web.get("/sign-in").text
    address = page.split('rel="stylesheet" href="')[1].split('"')[0]
    assert "immutable" in web.get(address).headers["Cache-Control"]
    assert web.get("/static/nothing.css?v=1").headers["Cache-Control"] == "no-store"
