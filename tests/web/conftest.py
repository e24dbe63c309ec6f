"""The real admin app on a real store, asked in process over HTTP."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copyfile

import pytest
from pwdlib.hashers.argon2 import Argon2Hasher
from starlette.testclient import TestClient

from flagctl.domain.change import Actor, CutOver, RollBack
from flagctl.domain.gate import Facts, SlurmVerdict
from flagctl.settings import Settings
from flagctl.store.audit_log import AuditFilter, list_events
from flagctl.store.facts import gather_facts
from flagctl.store.files import DataFiles
from flagctl.store.heard import listen
from flagctl.store.kept import keep_no_more
from flagctl.store.migrate import upgrade
from flagctl.store.people import add_person, issue_link
from flagctl.store.reading import keep_reading, reading
from flagctl.store.runtime_db import ProcessRegistry
from flagctl.store.sessions import Sessions
from flagctl.store.tokens import TokenRequest, issue_token
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Door, Mode, Outcome, Role
from flagctl.web.app import create
from flagctl.web.passwords import Passwords
from flagctl.web.services import Services


class MovedClock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 5, 1, 7, 25, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, span: timedelta) -> None:
        self.now += span


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@pytest.fixture
def files(tmp_path: Path) -> DataFiles:
    return DataFiles(tmp_path / "data")


@pytest.fixture(scope="session")
def empty_control(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a control.db of the newest schema, made once, for each test to copy."""
    files = DataFiles(tmp_path_factory.mktemp("empty"))
    upgrade(files)
    return files.control


@pytest.fixture
def store(files: DataFiles, clock: MovedClock, empty_control: Path) -> ControlStore:
    files.directory.mkdir()
    copyfile(empty_control, files.control)
    return ControlStore(files, clock)


CHEAP = Passwords(Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1))
BASE_URL = "https://127.0.0.1:8600"
PASSWORD = "four words in a row"
ROOT = Actor("os:root", Role.ADMIN, Door.CLI)


@pytest.fixture
def registry(files: DataFiles) -> ProcessRegistry:
    return ProcessRegistry(files)


@pytest.fixture
def kept(files: DataFiles) -> Iterator[None]:
    """Let connections be kept, as a server process does, until the test is over."""
    keep_reading(files, 0.05)
    yield
    keep_no_more(files.control)
    keep_no_more(files.runtime)


@pytest.fixture
def make_web(
    files: DataFiles, clock: MovedClock, registry: ProcessRegistry, kept: None
) -> Callable[..., TestClient]:
    """Return a maker of clients of the app; its settings are given by name."""

    def make(**more: object) -> TestClient:
        values = {"data_dir": files.directory, "busy_timeout_s": 0.05, **more}
        settings = Settings(**values)  # type: ignore[arg-type]
        services = Services(
            settings=settings,
            files=files,
            clock=clock,
            store=ControlStore(files, clock, settings.busy_timeout_s),
            facts=lambda: gather_facts(files, clock()),
            heard=lambda: listen(files, clock()),
            sessions=Sessions(files),
            passwords=CHEAP,
        )
        # A cookie for https only is kept on this machine's own address, as browsers do.
        return TestClient(
            create(services), base_url=BASE_URL, client=("127.0.0.1", 50000), follow_redirects=False
        )

    return make


@pytest.fixture
def web(store: ControlStore, make_web: Callable[..., TestClient]) -> TestClient:
    """Return a client of somebody who is not signed in."""
    return make_web()


@pytest.fixture
def sign_in(store: ControlStore, make_web: Callable[..., TestClient]) -> Callable[..., TestClient]:
    """Return a maker of clients, each of a new person who followed a link."""

    def signed_in(name: str = "alice", role: Role = Role.OPERATOR, **more: object) -> TestClient:
        add_person(store, name, role, ROOT)
        client = make_web(**more)
        link = issue_link(store, name, ROOT).secret
        answer = client.post(f"/sign-in/{link}", data={"password": PASSWORD, "repeated": PASSWORD})
        assert (answer.status_code, answer.headers["location"]) == (303, "/"), answer.text
        return client

    return signed_in


@pytest.fixture
def api(store: ControlStore, make_web: Callable[..., TestClient]) -> Callable[[Role], TestClient]:
    """Return a maker of clients with a token of a role."""

    def make(role: Role = Role.OPERATOR) -> TestClient:
        web = make_web()
        issued = issue_token(store, TokenRequest(f"ci-{role}", role=role), ROOT)
        web.headers["Authorization"] = f"Bearer {issued.secret}"
        return web

    return make


@pytest.fixture
def at_real(store: ControlStore, clock: MovedClock) -> ControlStore:
    """Return a store with a cutover flag at the top of the ladder."""
    willing = Facts(verdict=SlurmVerdict(holds=True, detail="", taken_at=clock()))
    until = clock() + timedelta(days=30)
    store.apply(CutOver(Mode.REAL_POLICY, "root", "green for a week", until, 0), ROOT, willing)
    return store


@pytest.fixture
def rolled_back(at_real: ControlStore) -> ControlStore:
    """Return a store with a rollback to the bottom, as revision 2."""
    at_real.apply(RollBack(Mode.PASSTHROUGH, "p99", owner="bob"), ROOT, Facts())
    return at_real


@pytest.fixture
def half_way(at_real: ControlStore) -> ControlStore:
    """Return a store with a rollback that may go further down, as revision 2."""
    at_real.apply(RollBack(Mode.STUB_POLICY, "p99"), ROOT, Facts())
    return at_real


def revision(store: ControlStore) -> int:
    with store.transaction() as at:
        return at.state().revision


def last_outcome(files: DataFiles) -> Outcome:
    with reading(files) as connection:
        return next(list_events(connection, AuditFilter())).outcome
