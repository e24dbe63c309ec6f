"""Whatever is typed into any field of any form is text on every page and in every export."""

import csv
import io
import json
from collections.abc import Callable
from html.parser import HTMLParser

import pytest
from starlette.testclient import TestClient

from flagctl.store.files import DataFiles
from flagctl.store.runtime_db import ProcessRegistry
from flagctl.store.tokens import TokenRequest, issue_token
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Mode, Role
from tests.reports import report
from tests.web.conftest import ROOT, MovedClock

SignIn = Callable[..., TestClient]

HOSTILE = {
    "markup": "<script>1</script><img src=x onerror=alert(1)>\"'></title></textarea><b>x</b>",
    "formula": '=HYPERLINK("http://evil.example","x")',
    "plus": "+1+cmd|' /C calc'!A0",
    "minus": "-1+1",
    "at": "@SUM(1)",
    "template": "{{ 7 * 7 }}{% raw %}${7*7}<%= 7 %>",
    "command": "`flagctl <img src=x onerror=alert(1)>`",
    "address": "javascript:alert(1)//https://",
    "right to left": "\u202eesrever\u202c שלום \u200fعرب",
    "four bytes": "🚒 𠜎𡃁 👩\u200d🚒 \U0001f1e9\U0001f1ea",
}
OURS = {"script", "link", "meta", "title", "svg", "use"}
MADE = {"img", "b", "textarea", "iframe", "object", "embed", "style", "base"}
FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Page(HTMLParser):
    """What a browser would make of a page: its text, values of fields, and foul things."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.foul: list[str] = []
        self._inside_script = False
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        self.texts += [value for name, value in attributes if name == "value" and value]
        self._inside_script = tag == "script"
        if tag in MADE or (tag == "script" and "src" not in given):
            self.foul.append(f"<{tag}>")
        self.foul += [name for name in given if name.startswith("on") or name == "style"]
        for name in ("href", "src", "action"):
            if (given.get(name) or "").strip().lower().startswith(("javascript:", "data:")):
                self.foul.append(f"{name}={given[name]}")

    def handle_endtag(self, tag: str) -> None:
        self._inside_script = False

    def handle_data(self, data: str) -> None:
        if self._inside_script and data.strip():
            self.foul.append(data)
        self.texts.append(data)

    def shows(self, text: str) -> bool:
        return any(text in each for each in self.texts)


@pytest.fixture(params=list(HOSTILE.values()), ids=list(HOSTILE))
def text(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def root(sign_in: SignIn) -> TestClient:
    return sign_in("root", Role.ADMIN)


def looked_at(web: TestClient, path: str, *expected: str) -> Page:
    page = Page(web.get(path).text)
    assert page.foul == [], path
    missing = [each for each in expected if not page.shows(each)]
    assert missing == [], path
    return page


def acts(text: str) -> list[tuple[str, dict[str, str], int]]:
    """Each act in turn, hostile in all its fields, from a cutover flag at the top."""

    def of(field: str) -> str:
        return f"{text} {field}"

    reason = {"reason": of("reason")}
    down = {**reason, "owner": of("owner"), "incident": of("incident")}
    return [
        ("/rollback", {**down, "mode": Mode.STUB_POLICY}, 303),
        ("/extend", {"reason": of("extended"), "expires": "1h"}, 303),
        ("/handover", {"reason": of("handed"), "owner": of("heir")}, 303),
        ("/rollback", {**down, "mode": Mode.PASSTHROUGH}, 303),
        ("/raise", {"reason": of("raised"), "mode": Mode.STUB_POLICY, "revision": "5"}, 303),
        ("/end", {"reason": of("ended"), "no_follow_up": of("none"), "revision": "6"}, 409),
        (
            "/cutover",
            {"reason": of("cut"), "owner": of("cutter"), "mode": Mode.STUB_POLICY, "expires": "7d"},
            303,
        ),
        ("/end", {"reason": of("ended"), "follow_up": of("ticket"), "revision": "7"}, 303),
        ("/retire", {"reason": of("retired"), "follow_up": of("later"), "revision": "8"}, 409),
    ]


def test_every_field_of_every_act_is_text_wherever_it_is_shown(
    root: TestClient, at_real: ControlStore, text: str
) -> None:
    for path, typed, status in acts(text):
        answer = root.post(path, data=typed)
        assert answer.status_code == status, answer.text
        if status == 303:
            looked_at(root, answer.headers["location"], typed["reason"])
        else:
            assert Page(answer.text).foul == []
            assert Page(answer.text).shows(typed["reason"])
        looked_at(root, "/")
    trail = looked_at(root, "/audit")
    for _, typed, _ in acts(text):
        assert trail.shows(typed["reason"])
    looked_at(root, "/flags/2", f"{text} incident", f"{text} heir")
    looked_at(root, "/flags/3", f"{text} owner")
    looked_at(root, "/flags/4", f"{text} ticket")
    assert_exported(root, {typed["reason"] for _, typed, _ in acts(text)})


def assert_exported(web: TestClient, reasons: set[str]) -> None:
    rows = list(csv.DictReader(io.StringIO(web.get("/audit/export.csv").text)))
    cells = [cell for row in rows for cell in row.values()]
    assert [cell for cell in cells if cell.lstrip(" ").startswith(FORMULA)] == []
    assert reasons <= {row["reason"].removeprefix("'") for row in rows}
    lines = web.get("/audit/export.jsonl").text.splitlines()
    assert reasons <= {json.loads(line)["reason"] for line in lines}


REFUSED = [
    ("/rollback", "mode", {"reason": "r"}),
    ("/rollback", "expires", {"mode": "passthrough", "reason": "r"}),
    ("/rollback", "expires_other", {"mode": "passthrough", "reason": "r", "expires": "other"}),
    ("/extend", "revision", {"reason": "r", "expires": "1h"}),
    ("/people", "role", {"name": "x"}),
    ("/people/link", "name", {}),
    ("/tokens", "role", {"name": "x"}),
    ("/tokens/revoke", "name", {}),
    ("/account/profile", "time_zone", {}),
    ("/account/profile", "notify_url", {"time_zone": "UTC"}),
    ("/sign-in", "name", {"password": "guess"}),
    ("/sign-in", "next", {"name": "x", "password": "guess"}),
]


@pytest.mark.parametrize(("path", "field", "more"), REFUSED)
def test_what_can_not_be_taken_comes_back_as_text(
    root: TestClient, at_real: ControlStore, path: str, field: str, more: dict[str, str]
) -> None:
    for text in HOSTILE.values():
        answer = root.post(path, data={**more, field: text})
        assert 400 <= answer.status_code < 500
        assert Page(answer.text).foul == []


@pytest.mark.parametrize("field", ["person", "since", "until", "text", "action", "kind", "flag"])
def test_a_filter_is_text_in_the_page_and_in_its_links(root: TestClient, field: str) -> None:
    for text in HOSTILE.values():
        answer = root.get("/audit", params={field: text})
        assert answer.status_code in {200, 422}
        assert Page(answer.text).foul == []


@pytest.mark.parametrize("path", ["/rollback", "/extend", "/handover", "/end", "/cutover"])
def test_a_form_that_is_filled_by_its_address_shows_text(
    root: TestClient, rolled_back: ControlStore, path: str
) -> None:
    every = ("mode", "reason", "owner", "incident", "expires_other", "follow_up", "no_follow_up")
    for text in HOSTILE.values():
        page = Page(root.get(path, params=dict.fromkeys(every, text)).text)
        assert page.foul == []
        assert page.shows(text)


def test_names_of_people_tokens_and_tenants_are_text(root: TestClient, text: str) -> None:
    assert root.post("/people", data={"name": text, "role": "viewer"}).status_code == 201
    plain = text.replace(",", "")
    scope = {"tenant": f"{text} t", "workspaces": f"{plain} w", "nodes": f"{plain} n"}
    issued = root.post("/tokens", data={"name": text, **scope})
    assert issued.status_code == 201
    assert Page(issued.text).foul == []
    looked_at(root, "/people", text)
    looked_at(root, "/tokens", text, f"{text} t", f"{plain} w", f"{plain} n")
    looked_at(root, "/audit?kind=people+and+tokens", text)
    assert_exported(root, set())


def test_what_a_process_says_of_itself_is_text(
    root: TestClient, registry: ProcessRegistry, clock: MovedClock, text: str
) -> None:
    registry.beat(report("a", heard_at=clock(), host=text, version=f"{text} v"))
    looked_at(root, "/processes", text, f"{text} v")
    looked_at(root, "/")


def test_what_a_program_sends_is_text_on_the_pages(
    root: TestClient, make_web: SignIn, store: ControlStore, files: DataFiles, text: str
) -> None:
    api, name = make_web(), f"{text} name"
    secret = issue_token(store, TokenRequest(name, role=Role.OPERATOR), ROOT).secret
    body = {"mode": "passthrough", "reason": f"{text} r", "incident": f"{text} i"}
    sent = api.post("/api/v1/rollback", json=body, headers={"Authorization": f"Bearer {secret}"})
    assert sent.status_code == 201
    assert sent.json()["flag"]["reason"] == f"{text} r"
    looked_at(root, "/", f"{text} r", f"{text} i", name)
    assert_exported(root, {f"{text} r"})


def test_only_an_address_becomes_a_link(root: TestClient, store: ControlStore) -> None:
    for number, incident in enumerate(
        ("https://tracker.example/INC-42", "javascript:alert(1)", "https://a b", "INC-42"), start=1
    ):
        typed = {"mode": "passthrough", "reason": "p99", "incident": incident}
        root.post("/rollback", data=typed)
        page = root.get(f"/flags/{number}").text
        assert (f'<a href="{incident}"' in page) is (number == 1)
        root.post("/end", data={"reason": "r", "follow_up": "x", "revision": str(2 * number - 1)})
