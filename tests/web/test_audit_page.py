"""The audit page tells everything, a page at a time, and exports exactly what is filtered."""

import csv
import io
import json
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from flagctl.domain.change import Extend
from flagctl.domain.gate import Facts
from flagctl.store.people import add_person
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Role
from tests.web.conftest import ROOT, MovedClock

SignIn = Callable[..., TestClient]


def sentences(page: str) -> list[str]:
    return re.findall(
        r'<span class="(?:accepted|refused|already|seen)">(.*?)</span>', page, re.DOTALL
    )


def extend_often(store: ControlStore, clock: MovedClock, times: int) -> None:
    for number in range(times):
        clock.move(timedelta(minutes=1))
        store.apply(Extend(clock() + timedelta(hours=1), f"still {number}"), ROOT, Facts())


def test_every_event_is_a_sentence(sign_in: SignIn, rolled_back: ControlStore) -> None:
    told = " ".join(sentences(sign_in().get("/audit").text))
    assert "rolled back real-policy → passthrough as revision 2" in told
    assert "cut over stub-policy → real-policy as revision 1" in told
    assert "let alice in as operator" in told


def test_pages_lead_to_the_oldest_event_and_back(
    sign_in: SignIn, rolled_back: ControlStore, clock: MovedClock
) -> None:
    extend_often(rolled_back, clock, 60)
    web = sign_in()
    first = web.get("/audit").text
    assert len(sentences(first)) == 50
    assert 'rel="prev"' not in first
    older = re.search(r'rel="next" href="([^"]+)"', first)
    assert older
    second = web.get(older[1].replace("&amp;", "&")).text
    assert "cut over" in sentences(second)[-1]
    assert 'rel="next"' not in second
    newer = re.search(r'rel="prev" href="([^"]+)"', second)
    assert newer
    assert sentences(web.get(newer[1].replace("&amp;", "&")).text) == sentences(first)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("person=root", 5),
        ("person=os:root", 5),
        ("person=alice", 1),
        ("action=rollback", 1),
        ("kind=changes+of+flags", 2),
        ("kind=people+and+tokens", 4),
        ("outcome=refused", 0),
        ("flag=2", 1),
        ("text=green+for", 1),
        ("since=2026-05-01T07:25&until=2026-05-01T07:26", 6),
        ("since=2026-05-01T07:26", 0),
        ("since=2026-05-01T09:25%2B02:00", 6),
        ("person=root&action=rollback&text=p99", 1),
    ],
)
def test_a_filter_shows_and_exports_the_same(
    sign_in: SignIn, rolled_back: ControlStore, query: str, count: int
) -> None:
    add_person(rolled_back, "bob", Role.VIEWER, ROOT)
    web = sign_in()
    assert len(sentences(web.get(f"/audit?{query}").text)) == count
    exported = web.get(f"/audit/export.csv?{query}")
    assert len(list(csv.DictReader(io.StringIO(exported.text)))) == count
    lines = web.get(f"/audit/export.jsonl?{query}").text.splitlines()
    assert len([json.loads(line) for line in lines]) == count


def test_times_without_a_zone_are_meant_where_the_person_is(
    sign_in: SignIn, rolled_back: ControlStore
) -> None:
    web = sign_in()
    web.post("/account/profile", data={"time_zone": "Europe/Berlin", "notify_url": ""})
    assert len(sentences(web.get("/audit?until=2026-05-01T09:25").text)) == 0
    assert len(sentences(web.get("/audit?until=2026-05-01T09:26").text)) > 0


@pytest.mark.parametrize(
    ("query", "typed"),
    [
        ("since=yesterday", "yesterday"),
        ("until=99999-01-01", "99999-01-01"),
        ("flag=two", None),
        ("before=-1", None),
        ("action=dance", None),
        ("outcome=maybe", None),
    ],
)
def test_a_filter_that_cannot_be_read_is_422_with_what_was_typed(
    sign_in: SignIn, query: str, typed: str | None
) -> None:
    web = sign_in()
    answer = web.get(f"/audit?{query}")
    assert answer.status_code == 422
    assert typed is None or f'value="{typed}"' in answer.text
    if not query.startswith("before"):
        assert web.get(f"/audit/export.csv?{query}").status_code == 422


def test_an_export_is_a_file_with_the_time_in_its_name(sign_in: SignIn) -> None:
    answer = sign_in().get("/audit/export.csv")
    assert answer.headers["content-disposition"] == (
        'attachment; filename="audit-20260501T072500Z.csv"'
    )
    assert sign_in("bob").get("/audit/export.exe").status_code == 404


def test_no_cell_of_the_export_can_run_as_a_formula(sign_in: SignIn, at_real: ControlStore) -> None:
    web = sign_in()
    for reason in ('=HYPERLINK("x")', "@SUM(1)", "+1", "-1"):
        web.post("/rollback", data={"mode": "passthrough", "reason": reason})
        web.post("/extend", data={"reason": reason, "expires": "1h"})
    rows = list(csv.DictReader(io.StringIO(web.get("/audit/export.csv").text)))
    cells = [cell for row in rows for cell in row.values()]
    assert '\'=HYPERLINK("x")' in cells
    assert [cell for cell in cells if cell[:1] in set("=+-@")] == []
