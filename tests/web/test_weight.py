"""A page is light on a bad line: counted as it goes over the wire, with all that it links."""

import gzip
import re
from collections.abc import Callable
from datetime import timedelta
from http.client import HTTPConnection

from starlette.testclient import TestClient

from flagctl.domain.change import Extend
from flagctl.domain.gate import Facts
from flagctl.store.runtime_db import ProcessRegistry
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Mode
from tests.fuzzing import served
from tests.reports import report
from tests.web.conftest import ROOT, MovedClock

SignIn = Callable[..., TestClient]
MAX_BYTES = 30_000


def sent(url: str, path: str, cookie: str) -> tuple[int, bytes]:
    """Return how many bytes come over the wire for a path, and what they mean."""
    connection = HTTPConnection(url.removeprefix("http://"), timeout=30)
    connection.request("GET", path, headers={"Accept-Encoding": "gzip", "Cookie": cookie})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    assert answer.status == 200, path
    is_packed = answer.headers["Content-Encoding"] == "gzip"
    assert not is_packed or answer.headers["Vary"] == "Accept-Encoding"
    return len(body) + len(str(answer.headers)), gzip.decompress(body) if is_packed else body


def test_the_first_page_with_all_that_it_links_is_under_30_kb(
    sign_in: SignIn, rolled_back: ControlStore, registry: ProcessRegistry, clock: MovedClock
) -> None:
    for number in range(8):
        clock.move(timedelta(minutes=1))
        reason = f"the vendor is on it, attempt {number}; the partition is still drained"
        rolled_back.apply(Extend(clock() + timedelta(hours=2), reason), ROOT, Facts())
        beat = report(f"p{number}", heard_at=clock(), mode=Mode.PASSTHROUGH, revision=2)
        registry.beat(beat)
    web = sign_in()
    cookie = "; ".join(f"{name}={value}" for name, value in web.cookies.items())
    with served(web.app) as url:
        size, page = sent(url, "/", cookie)
        linked = dict.fromkeys(re.findall(r'(?:href|src)="(/static/[^"#]+)', page.decode()))
        assert {path.partition("?")[0].rpartition(".")[2] for path in linked} == {
            "css",
            "js",
            "svg",
        }
        total = size + sum(sent(url, path, cookie)[0] for path in linked)
    assert total < MAX_BYTES


def test_whoever_can_not_unpack_gets_the_page_as_it_is(sign_in: SignIn) -> None:
    answer = sign_in().get("/", headers={"accept-encoding": "identity"})
    assert "Content-Encoding" not in answer.headers
    assert "<!doctype html>" in answer.text


def test_an_export_can_be_packed_too_and_says_the_same(
    sign_in: SignIn, rolled_back: ControlStore
) -> None:
    web = sign_in()
    plain = web.get("/audit/export.csv", headers={"accept-encoding": "identity"})
    packed = web.get("/audit/export.csv", headers={"accept-encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.text == plain.text
