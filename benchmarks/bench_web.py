"""Pages of the admin web with a million audit events, beside the same pages with a thousand.

Wanted: home and audit page under 20 ms at the 95th percentile and within 1.2 times the short
trail's; a search by text within 250 ms, saying so when it stopped early; a flip's median under
10 ms; the first page under 30 KB gzipped, with its styles and scripts. Each is asked of
`flagctl web` over one kept connection on loopback by a person who is signed in.
"""

import gzip
import json
import os
import re
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from statistics import median, quantiles
from urllib.parse import urlencode

from benchmarks.long_trail import RARE, make_trail, time_of
from benchmarks.measure import Result, summary
from flagctl.domain.change import Actor
from flagctl.domain.impact import STRIP_MINUTES, CountKey, minute_of
from flagctl.store.files import DataFiles
from flagctl.store.people import add_person
from flagctl.store.reading import read_state, reading
from flagctl.store.runtime_db import ProcessRegistry
from flagctl.store.sessions import Sessions
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import DEFAULT_MODE, EMERGENCY_MODE, Action, Door, ResolutionOutcome, Role

LONG, SHORT = 1_000_000, 1_000
ROUNDS = 200
SEARCH_ROUNDS = 20
ADMIN = Actor("os:bench", Role.ADMIN, Door.CLI)
NOWHERE = "a line that nobody ever wrote"
STOPPED = b"The search stopped at event"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass
class Web:
    """A server over a trail of `count` events, and one connection to it."""

    count: int
    files: DataFiles
    connection: HTTPConnection
    cookie: str

    def ask(self, path: str, form: Mapping[str, object] | None = None) -> bytes:
        """Return the body of the answer; anything but a page or a done act is an error."""
        body, method = (None, "GET") if form is None else (urlencode(form), "POST")
        headers = {"Cookie": self.cookie, **(FORM if form else {})}
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        found = answer.read()
        assert answer.status == (303 if form else 200), (path, answer.status, found[:2000])
        return found


def run() -> list[Result]:
    # Beside this directory and not in memory: a flip's fsync is part of it.
    with tempfile.TemporaryDirectory(dir=".") as place, ExitStack() as stack:
        built, webs = [], []
        for events in (LONG, SHORT):
            files = DataFiles(Path(place, str(events)).absolute())
            begin = time.perf_counter()
            make_trail(files, events)
            leave_counts(files)
            built.append(summary(f"making {events:,} events", [time.perf_counter() - begin], "s"))
            webs.append(stack.enter_context(serving(files, events)))
        return [*built, *pages(webs), *searches(webs), *flips(webs), *first_page(webs[0])]


@contextmanager
def serving(files: DataFiles, count: int) -> Iterator[Web]:
    cookie = f"flagctl={signed_in(files)}"
    environment = {
        **os.environ,
        "FLAGCTL_DATA_DIR": str(files.directory),
        "FLAGCTL_PLAIN_HTTP": "yes",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "flagctl", "web", "--port", "0", "--json"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    try:
        port = int(json.loads(process.stdout.readline())["url"].rpartition(":")[2])
        yield Web(count, files, HTTPConnection("127.0.0.1", port, timeout=60), cookie)
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def leave_counts(files: DataFiles) -> None:
    """Leave an hour of counts, so that the first page has a strip to draw."""
    last = minute_of(datetime.now(UTC))
    counts = {
        CountKey(minute, DEFAULT_MODE, outcome, 0): 40
        for minute in range(last - STRIP_MINUTES, last + 1)
        for outcome in ResolutionOutcome
    }
    ProcessRegistry(files).goodbye("bench", counts)


def signed_in(files: DataFiles) -> str:
    """The token of a session of a new administrator."""
    now, token = datetime.now(UTC), secrets.token_urlsafe(32)
    store = ControlStore(files, lambda: now)
    person = add_person(store, "alice", Role.ADMIN, ADMIN)
    store.close()
    Sessions(files).start(token, person.id, now)
    return token


def pages(webs: list[Web]) -> list[Result]:
    """Every page in turn, of each server in turn."""
    results = []
    for name, path_of in PAGES.items():
        long, short = side_by_side(webs, path_of, ROUNDS)
        for web, samples in zip(webs, (long, short), strict=True):
            results.append(percentiles(f"{name}, {web.count:,} events", samples))
        times = quantile_95(long) / quantile_95(short), median(long) / median(short)
        note = "{}; the short trail's times {:.2f}, its median times {:.2f}"
        results[-2] = replace(results[-2], note=note.format(results[-2].note, *times))
    return results


def audit(**query: object) -> str:
    return f"/audit?{urlencode(query)}"


PAGES: Mapping[str, Callable[[int], str]] = {
    "health, no database": lambda _: "/healthz",
    "home": lambda _: "/",
    "audit": lambda _: "/audit",
    "audit, older, half way down": lambda count: audit(before=count // 2),
    "audit by person": lambda _: audit(person="bob"),
    "audit by person, of ten events": lambda _: audit(person=RARE),
    "audit by person, of no event": lambda _: audit(person="nobody"),
    "audit by action": lambda _: audit(action=Action.ROLL_BACK),
    "audit by action, of no event": lambda _: audit(action=Action.RESTORE),
    "audit by kind": lambda _: audit(kind="changes of flags"),
    "audit by kind, of one event": lambda _: audit(kind="people and tokens"),
    "audit by time": lambda count: audit(
        since=time_of(count // 4).isoformat(), until=time_of(count // 2).isoformat()
    ),
}


def side_by_side(
    webs: list[Web], path_of: Callable[[int], str], rounds: int
) -> tuple[list[float], ...]:
    """Latencies in ms of each server, asked in turn; the first tenth more is thrown away."""
    samples: tuple[list[float], ...] = tuple([] for _ in webs)
    turns = list(zip(webs, samples, strict=True))
    for number in range(-(rounds // 10), rounds):
        turns.reverse()  # so that neither always comes after the other
        for web, found in turns:
            taken_ms = timed_ms(lambda web=web: web.ask(path_of(web.count)))  # type: ignore[misc]
            if number >= 0:
                found.append(taken_ms)
    return samples


def timed_ms(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - begin)


def quantile_95(samples: list[float]) -> float:
    return quantiles(samples, n=20, method="inclusive")[18]


def percentiles(name: str, samples: list[float]) -> Result:
    return summary(name, samples, "ms", f"95th {quantile_95(samples):.3g}")


def searches(webs: list[Web]) -> list[Result]:
    """A search by text that finds nothing, and whether the page says that it stopped early."""
    samples = side_by_side(webs, lambda _: audit(text=NOWHERE), SEARCH_ROUNDS)
    results = []
    for web, found in zip(webs, samples, strict=True):
        result = percentiles(f"audit by text, {web.count:,} events", found)
        says = "stopped early" if STOPPED in web.ask(audit(text=NOWHERE)) else "looked at all"
        results.append(replace(result, note=f"{result.note}, says it {says}"))
    return results


def flips(webs: list[Web]) -> list[Result]:
    """Down and up in turn by the forms, each with its commit."""
    samples: tuple[list[float], ...] = tuple([] for _ in webs)
    revisions = [revision(web.files) for web in webs]
    for number in range(ROUNDS):
        for index, web in enumerate(webs):
            path, form = act(number, revisions[index] + number)
            samples[index].append(timed_ms(lambda: web.ask(path, form)))  # noqa: B023
    return [
        percentiles(f"flip by form, {web.count:,} events", found)
        for web, found in zip(webs, samples, strict=True)
    ]


def revision(files: DataFiles) -> int:
    with reading(files) as connection:
        return read_state(connection).revision


def act(number: int, seen: int) -> tuple[str, Mapping[str, object]]:
    if number % 2:
        return "/end", {"reason": "mended", "no_follow_up": "a benchmark", "revision": seen}
    return "/rollback", {"mode": EMERGENCY_MODE, "reason": "measured", "expires": "4h"}


def first_page(web: Web) -> list[Result]:
    """What a browser that was never here gets for the first page, each file gzipped."""
    page = web.ask("/")
    linked = dict.fromkeys(re.findall(rb'(?:href|src)="(/static/[^"#]+)', page))
    sizes = [kilobytes(page), *(kilobytes(web.ask(path.decode())) for path in linked)]
    note = f"gzipped; {len(page) / 1000:.1f} KB of HTML before, and {len(linked)} files"
    return [summary("first page, with all that it links", [sum(sizes)], "KB", note)]


def kilobytes(body: bytes) -> float:
    return len(gzip.compress(body)) / 1000
