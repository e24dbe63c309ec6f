"""The impact strip on the first page, on a flag's page and in the JSON API."""

import re
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from starlette.testclient import TestClient

from flagctl.domain.change import EndRollback, RollBack
from flagctl.domain.gate import Facts
from flagctl.store import impacts
from flagctl.store.files import DataFiles
from flagctl.store.tokens import TokenRequest, issue_token
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import RESOLUTIONS, Mode, ResolutionOutcome, Role
from tests.counting import key, leave
from tests.web.conftest import ROOT, MovedClock
from tests.web.test_home import MARKUP

LOW, MIDDLE, HIGH = Mode
RESOLVED, DENIED, *_, UNAVAILABLE = ResolutionOutcome
MINUTE = timedelta(minutes=1)

SignIn = Callable[..., TestClient]


class Parts(HTMLParser):
    """The titles and the table of a page's strip, as text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.titles: list[str] = []
        self.rows: list[list[str]] = []
        self._into: list[str] | None = None
        self.feed(page.split('<svg class="strip"')[1].split("</details>", maxsplit=1)[0])

    def handle_starttag(self, tag: str, _attrs: object) -> None:
        if tag == "tr":
            self.rows.append([])
        if tag in ("title", "td", "th"):
            self._into = self.titles if tag == "title" else self.rows[-1]
            self._into.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("title", "td", "th"):
            self._into = None

    def handle_data(self, data: str) -> None:
        if self._into is not None:
            self._into[-1] += data

    def minute_titles(self) -> list[str]:
        return self.titles[:60]


Numbers = Counter[tuple[str, str, str]]


def numbers_of_titles(parts: Parts) -> Numbers:
    """How many there were by minute, mode and outcome, as the picture says."""
    found: Numbers = Counter()
    for title in parts.minute_titles():
        for mode in Mode:
            if said := re.search(rf"{mode}: ([^;]+)", title):
                for count, outcome in re.findall(r"(\d+) (\w+)", said[1]):
                    found[title[:5], mode, outcome] += int(count)
    return found


def numbers_of_table(parts: Parts) -> Numbers:
    """The same, as the table says."""
    head, *rows = parts.rows
    found: Numbers = Counter()
    for minute, mode, *cells in rows:
        for outcome, count in zip(head[2:], cells, strict=False):
            found[minute[:5], mode, outcome] += int(count)
    return +found


def roll_back(store: ControlStore, reason: str = "p99") -> None:
    store.apply(RollBack(LOW, reason), ROOT, Facts())


def strip_of(page: str) -> str:
    return page.split("Resolutions in the last hour")[1].split("</section>", maxsplit=1)[0]


def test_the_picture_and_the_table_hold_the_same_numbers(
    sign_in: SignIn, files: DataFiles, clock: MovedClock
) -> None:
    counts = {
        key(clock()): 4,
        key(clock() - MINUTE): 120,
        key(clock() - MINUTE, revision=3): 7,
        key(clock() - MINUTE, outcome=DENIED): 5,
        key(clock() - 2 * MINUTE, LOW): 30,
        key(clock() - 2 * MINUTE, HIGH, UNAVAILABLE): 9,
        key(clock() - 59 * MINUTE): 1,
        key(clock() - 60 * MINUTE): 1000,
    }
    leave(files, clock(), counts)
    parts = Parts(sign_in().get("/").text)
    assert len(parts.minute_titles()) == 60
    assert numbers_of_titles(parts) == numbers_of_table(parts)
    assert numbers_of_table(parts) == {
        ("07:25", MIDDLE, "resolved"): 4,
        ("07:24", MIDDLE, "resolved"): 127,
        ("07:24", MIDDLE, "denied"): 5,
        ("07:23", LOW, "resolved"): 30,
        ("07:23", HIGH, "unavailable"): 9,
        ("06:26", MIDDLE, "resolved"): 1,
    }
    assert parts.rows[0][2:] == [
        RESOLUTIONS[each].label for each in (RESOLVED, DENIED, UNAVAILABLE)
    ]


def test_minutes_in_which_nobody_counted_are_told_from_those_without_submissions(
    sign_in: SignIn, files: DataFiles, clock: MovedClock
) -> None:
    leave(files, clock(), {key(clock()): 0, key(clock() - 3 * MINUTE): 0})
    parts = Parts(sign_in().get("/").text)
    assert parts.rows[1:] == [
        ["07:25 so far", MIDDLE, "0"],
        ["07:23 to 07:24", "nobody counted"],
        ["07:22", MIDDLE, "0"],
        ["06:26 to 07:21", "nobody counted"],
    ]
    assert parts.minute_titles()[-4:] == [
        "07:22 UTC: stub-policy: nothing to resolve",
        "07:23 UTC: nobody counted",
        "07:24 UTC: nobody counted",
        "07:25 UTC so far: stub-policy: nothing to resolve",
    ]


def test_a_flip_is_marked_at_its_minute_with_what_it_changed(
    sign_in: SignIn, files: DataFiles, store: ControlStore, clock: MovedClock
) -> None:
    clock.move(timedelta(seconds=30))
    roll_back(store)
    flipped = clock()
    clock.move(timedelta(minutes=10))
    leave(
        files,
        clock(),
        {
            key(flipped, revision=0): 80,
            key(flipped, outcome=UNAVAILABLE, revision=0): 20,
            key(flipped, LOW, revision=1): 50,
        },
    )
    page = sign_in().get("/").text
    parts = Parts(page)
    (minute,) = (title for title in parts.minute_titles() if "committed" in title)
    assert minute.startswith("07:25 UTC: ")
    assert minute.endswith("; revision 1 was committed")
    assert "errors 20 % → 0 % (of 100 before and 50 after)" in parts.titles[60]
    mark = re.search(r'class="flip"><title>[^<]*</title><rect x="([\d.]+)"', page)
    assert mark
    assert 490 <= float(mark[1]) + 0.75 < 500  # the fiftieth minute of sixty
    assert "errors 20 % → 0 %" in strip_of(page).split("</svg>")[1]
    assert [row[0] for row in parts.rows if "rev" in row[0]] == ["07:25, rev 1"] * 2


def test_what_somebody_typed_is_text_in_the_picture_and_beside_it(
    sign_in: SignIn, files: DataFiles, store: ControlStore, clock: MovedClock
) -> None:
    leave(files, clock(), {key(clock()): 1})
    roll_back(store, reason=MARKUP)
    web = sign_in()
    for path in ("/", "/flags/1"):
        page = web.get(path).text
        assert "<script>alert" not in page, path
        assert "&lt;script&gt;alert" in page, path


def test_without_any_count_there_is_a_sentence_and_no_picture(sign_in: SignIn) -> None:
    page = sign_in().get("/").text
    assert "No process counted anything in the last hour." in page
    assert '<svg class="strip"' not in page


@pytest.mark.parametrize("path", ["/", "/flags/1"])
def test_counts_that_cannot_be_read_are_not_taken_for_none_and_hide_nothing_else(
    sign_in: SignIn, store: ControlStore, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    roll_back(store)
    web = sign_in()
    monkeypatch.setattr(impacts, "counts_between", lambda *_: None)
    page = web.get(path)
    assert page.status_code == 200
    assert "The counts can't be read now" in page.text
    assert "nobody counted" not in page.text
    assert "rolled back" in page.text


def test_a_flag_shows_what_was_before_and_after_each_of_its_flips(
    sign_in: SignIn, files: DataFiles, store: ControlStore, clock: MovedClock
) -> None:
    begun = clock()
    roll_back(store)
    clock.move(2 * MINUTE)
    store.apply(EndRollback("mended", follow_up="x", revision=1), ROOT, Facts())
    clock.move(20 * MINUTE)
    leave(
        files,
        clock(),
        {
            key(begun - 5 * MINUTE, outcome=UNAVAILABLE): 3,
            key(begun - 6 * MINUTE): 1000,
            key(begun + MINUTE, LOW, revision=1): 4,
            key(begun + 3 * MINUTE, revision=2): 8,
        },
    )
    page = sign_in().get("/flags/1").text
    shown = page.split("Resolutions before and after")[1].split("</section>")[0]
    tables = shown.split("<h3>")[1:]
    assert [table.split(",")[0] for table in tables] == ["Revision 2", "Revision 1"]
    assert "errors 0 % → 0 % (of 4 before and 8 after)" in tables[0]
    assert "errors 100 % → 0 % (of 3 before and 4 after)" in tables[1]
    assert "07:20 to 07:25 UTC" in tables[1]
    assert "to 07:27 UTC" in tables[1]  # where the next flip lies
    assert "<td>unavailable</td><td>3</td><td>0</td>" in tables[1]
    assert "so far" not in shown


def test_a_flip_of_a_minute_ago_says_that_its_after_is_not_over(
    sign_in: SignIn, files: DataFiles, store: ControlStore, clock: MovedClock
) -> None:
    roll_back(store)
    clock.move(MINUTE)
    leave(files, clock(), {key(clock(), LOW, revision=1): 2})
    page = sign_in().get("/flags/1").text
    assert "before: nobody counted; after so far: errors 0 % of 2" in page
    assert "to 07:31 UTC, so far" in page


def test_after_7_days_a_flag_shows_no_counts_that_are_not_there(
    sign_in: SignIn, store: ControlStore, clock: MovedClock
) -> None:
    roll_back(store)
    clock.move(timedelta(days=7))
    assert "Resolutions before and after" not in sign_in().get("/flags/1").text


def test_more_flips_than_can_be_told_of_are_said_to_be_more(
    sign_in: SignIn, store: ControlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(impacts, "FLIPS_MARKED", 2)
    for number in (0, 2):
        roll_back(store)
        end = EndRollback("x", follow_up="x", revision=number + 1)
        store.apply(end, ROOT, Facts())
    page = sign_in().get("/").text
    assert page.count('class="flip"><title>') == 2
    assert "Older flips of this hour are not shown" in page


def test_the_first_page_tells_of_the_newest_flips_and_marks_all(
    sign_in: SignIn, store: ControlStore
) -> None:
    for number in (0, 2, 4):
        roll_back(store)
        store.apply(EndRollback("x", follow_up="x", revision=number + 1), ROOT, Facts())
    page = sign_in().get("/").text
    shown = strip_of(page)
    assert shown.count('class="flip"><title>') == 6
    assert shown.split("</svg>")[1].count("<time") == 5
    assert "1 earlier flip of this hour is marked too" in shown


def test_the_json_api_tells_the_same(
    store: ControlStore, make_web: Callable[..., TestClient], files: DataFiles, clock: MovedClock
) -> None:
    web = make_web()
    issued = issue_token(store, TokenRequest("ci", role=Role.VIEWER), ROOT)
    web.headers["Authorization"] = f"Bearer {issued.secret}"
    roll_back(store)
    leave(
        files,
        clock(),
        {key(clock() - MINUTE, outcome=DENIED): 3, key(clock(), LOW, revision=1): 2},
    )
    told = web.get("/api/v1/impact").json()
    assert (told["is_readable"], len(told["minutes"])) == (True, 60)
    assert told["minutes"][-2]["resolutions"] == [
        {"mode": "stub-policy", "outcome": "denied", "count": 3}
    ]
    assert told["minutes"][-1]["revisions"] == [1]
    (flip,) = told["flips"]
    assert (flip["revision"], flip["flag_id"]) == (1, 1)
    assert (flip["before"]["denied"], flip["before"]["total"], flip["after"]["total"]) == (3, 3, 2)
    assert flip["sentence"].startswith("errors 0 % → 0 %, denied 100 % → 0 %")
