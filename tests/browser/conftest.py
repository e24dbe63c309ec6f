"""A browser on the real commands. A missing browser fails; nothing here is ever skipped."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, expect

from flagctl.store.connection import open_connection
from flagctl.store.files import DataFiles
from flagctl.store.migrate import upgrade
from flagctl.vocabulary import Role
from tests.browser.guard import Guard
from tests.browser.hand import DESKTOP, Hand, Way
from tests.browser.place import Place
from tests.browser.serving import Part, Runtime, Stage

NAMES = ("chromium", "chromium-browser", "google-chrome")
COOKIE = "__Host-flagctl"
# Nothing but the server under test can be reached, and the browser asks nobody by itself.
SWITCHES = (
    "--no-sandbox",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
)

SignedIn = Callable[..., Hand]
Started = Callable[..., Runtime]

expect.set_options(timeout=15_000)


@pytest.fixture(scope="session")
def base_url() -> None:
    """Say that the address is known per test only."""


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    found = os.environ.get("FLAGCTL_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    # Without one on PATH, Playwright takes the one that it downloaded, or says how to get it.
    where = {"executable_path": found} if found else {}
    return {**browser_type_launch_args, **where, "args": list(SWITCHES)}


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a control.db of the newest schema, made once, for each test to copy."""
    files = DataFiles(tmp_path_factory.mktemp("prepared"))
    upgrade(files)
    connection = open_connection(files.control)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return files.control


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Return the one directory that web processes serve; each test puts its own data there."""
    stage = Stage(tmp_path_factory.mktemp("stage"))
    yield stage
    stage.close()


@pytest.fixture
def place(stage: Stage, tmp_path: Path, prepared: Path) -> Place:
    directory = tmp_path / "data"
    directory.mkdir()
    stage.show(directory)
    return Place(stage.data, prepared)


@pytest.fixture
def environment() -> str:
    return "production"


@pytest.fixture
def web(stage: Stage, place: Place, environment: str) -> Part:
    return stage.web(place.files, environment)


@pytest.fixture
def start_runtime(place: Place, tmp_path: Path) -> Iterator[Started]:
    """Return a starter of one runtime on the data directory."""
    with ExitStack() as stack:

        def start(**settings: str) -> Runtime:
            secret, log = place.runtime_token(), tmp_path / "runtime.log"
            runtime = Runtime(place.files, secret, log, **settings)
            stack.callback(runtime.stop)
            return runtime

        yield start


@pytest.fixture
def way(request: pytest.FixtureRequest) -> Way:
    chosen = getattr(request, "param", DESKTOP)
    assert isinstance(chosen, Way)
    return chosen


@pytest.fixture
def browser_context_args(
    browser_context_args: dict[str, Any], way: Way, web: Part
) -> dict[str, Any]:
    return {**browser_context_args, **way.options, "base_url": web.url}


@pytest.fixture
def guard(web: Part) -> Iterator[Guard]:
    guard = Guard(web.url)
    yield guard
    assert not guard.complaints, "\n".join(guard.complaints)


@pytest.fixture
def new_context(
    new_context: Callable[..., BrowserContext], guard: Guard
) -> Callable[..., BrowserContext]:
    """Return the maker of browser contexts that every test gets: each is watched."""

    def make(**options: Any) -> BrowserContext:
        context = new_context(**options)
        context.set_default_timeout(30_000)
        guard.watch(context)
        return context

    return make


@pytest.fixture
def stranger(new_context: Callable[..., BrowserContext], way: Way) -> Hand:
    """Return a browser in which nobody is signed in."""
    return Hand(new_context().new_page(), way)


@pytest.fixture
def signed_in(
    new_context: Callable[..., BrowserContext], place: Place, web: Part, way: Way
) -> SignedIn:
    """Return a maker of browsers, each of a person who is signed in."""

    def make(name: str = "alice", role: Role = Role.OPERATOR, **options: Any) -> Hand:
        context = new_context(**options)
        # Chromium takes a cookie for https only from an address that says so.
        secure = web.url.replace("http:", "https:")
        token = place.session(name, role)
        context.add_cookies(
            [{"name": COOKIE, "value": token, "url": secure, "secure": True, "httpOnly": True}]
        )
        return Hand(context.new_page(), way)

    return make


@pytest.fixture
def alice(signed_in: SignedIn) -> Hand:
    return signed_in()
