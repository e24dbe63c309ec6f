"""The audit page tells everything, a page at a time, and exports exactly what is filtered."""

import csv
import io
import json
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from flagctl.domain.change import Extend
from flagctl.domain.gate import Facts
from flagctl.store.audit_log import verify_trail
from flagctl.store.files import DataFiles
from flagctl.store.people import add_person
from flagctl.store.reading import reading
from flagctl.store.verified import Verified, keep_verified
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


def verify(files: DataFiles, clock: MovedClock) -> None:
    with reading(files) as connection:
        found = verify_trail(connection)
    keep_verified(files, Verified(clock(), "os:root", found))


def tamper(files: DataFiles, statement: str) -> None:
    with closing(sqlite3.connect(files.control)) as connection, connection:
        connection.execute("DROP TRIGGER audit_event_no_update")
        connection.execute(statement)


def chain_told(web: TestClient) -> str:
    page = web.get("/audit").text
    card = page[page.index('id="chain"') :]
    text = re.sub(r"<[^>]+>", "", card[: card.index("</section>")].partition(">")[2])
    return " ".join(text.split())


def test_the_last_verification_is_told_with_when_by_whom_and_its_head(
    sign_in: SignIn, rolled_back: ControlStore, files: DataFiles, clock: MovedClock
) -> None:
    web = sign_in()
    assert "No verification is on record." in chain_told(web)
    verify(files, clock)
    clock.move(timedelta(minutes=5))
    with reading(files) as connection:
        newest = connection.execute("SELECT id, hash FROM audit_event ORDER BY id DESC LIMIT 1")
        events, head = newest.fetchone()
    extend_often(rolled_back, clock, 2)
    told = chain_told(web)
    assert f"It held over {events} events; 2 events came after." in told
    assert "Verified 7 min ago (07:25 UTC) by os:root." in told
    assert f"Its head was {head}" in told


def test_a_chain_that_was_found_broken_is_named_on_the_page(
    sign_in: SignIn, rolled_back: ControlStore, files: DataFiles, clock: MovedClock
) -> None:
    web = sign_in()
    tamper(files, "UPDATE audit_event SET reason = 'fine' WHERE id = 2")
    verify(files, clock)
    told = chain_told(web)
    assert "Broken at event 2: its content does not match its hash." in told
    assert "The 1 event before it held." in told


def test_a_trail_written_anew_since_it_was_verified_is_not_said_to_hold(
    sign_in: SignIn, rolled_back: ControlStore, files: DataFiles, clock: MovedClock
) -> None:
    web = sign_in()
    verify(files, clock)
    tamper(files, "UPDATE audit_event SET hash = 'other'")
    told = chain_told(web)
    assert "Changed since it was verified" in told
    assert "It held" not in told


def test_a_note_that_says_nonsense_is_none(
    sign_in: SignIn, rolled_back: ControlStore, files: DataFiles, clock: MovedClock
) -> None:
    web = sign_in()
    verify(files, clock)
    with closing(sqlite3.connect(files.runtime)) as connection, connection:
        connection.execute("UPDATE verification SET at = 'yesterday'")
    assert "No verification is on record." in chain_told(web)
