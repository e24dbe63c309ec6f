"""The real runtime on a real data directory, asked in process over HTTP."""

import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from flagctl.adapter.sample_policy import SAMPLE
from flagctl.domain.change import CutOver, RollBack
from flagctl.domain.gate import Facts, SlurmVerdict
from flagctl.settings import Settings
from flagctl.store.facts import gather_facts
from flagctl.store.files import DataFiles
from flagctl.store.migrate import upgrade
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import LADDER, Mode
from flagctl.wiring import runtime_app
from tests.runtime import tenants
from tests.runtime.served import Served, up

MakeRuntime = Callable[..., TestClient]


@pytest.fixture
def files(tmp_path: Path) -> DataFiles:
    return DataFiles(tmp_path / "data")


@pytest.fixture
def control(files: DataFiles) -> ControlStore:
    upgrade(files)
    return ControlStore(files, lambda: datetime.now(UTC))


@pytest.fixture
def token(control: ControlStore) -> str:
    return tenants.issue(control)


@pytest.fixture
def make_runtime(files: DataFiles) -> Iterator[MakeRuntime]:
    """Return a maker of clients of the running app; its settings are given by name."""
    with ExitStack() as stack:

        def make(**settings: object) -> TestClient:
            values = {"data_dir": files.directory, "policy_path": SAMPLE, **settings}
            app = runtime_app(Settings(**values))  # type: ignore[arg-type]
            client = TestClient(app, base_url="http://127.0.0.1:8601")
            return stack.enter_context(client)

        yield make


@pytest.fixture
def flip(control: ControlStore, files: DataFiles) -> Callable[[Mode], None]:
    """Return what commits a rollback to a mode, as another door would."""

    def roll_back(mode: Mode) -> None:
        facts = gather_facts(files, datetime.now(UTC))
        control.apply(RollBack(mode, "a test"), tenants.ADMIN, facts)

    return roll_back


@pytest.fixture
def cut_over(control: ControlStore) -> Callable[[], None]:
    """Return what commits a cutover to the highest mode, as once the checks on Slurm have held."""

    def go_up() -> None:
        now = datetime.now(UTC)
        with control.transaction() as at:
            revision = at.state().revision
        change = CutOver(LADDER[-1], "alice", "a test", now + timedelta(days=30), revision)
        verdict = SlurmVerdict(holds=True, detail="all hold", taken_at=now)
        control.apply(change, tenants.ADMIN, Facts(verdict=verdict))

    return go_up


@pytest.fixture
def runtime(make_runtime: MakeRuntime, token: str) -> TestClient:
    client = make_runtime()
    client.headers.update(tenants.bearer(token))
    return client


Serve = Callable[..., Served]


@pytest.fixture
def serve(files: DataFiles, token: str, tmp_path: Path) -> Iterator[Serve]:
    """Return a starter of runtime processes on the data directory, each waited for."""
    with ExitStack() as stack:
        count = itertools.count()

        def start(fault: str = "none", **options: Any) -> Served:
            served = Served(files, token, tmp_path / f"log-{next(count)}", fault, **options)
            stack.callback(served.stop)
            return up(served)

        yield start


@pytest.fixture
def deny_policy(tmp_path: Path) -> Path:
    """A queue policy that denies what it does not know."""
    policy = json.loads(SAMPLE.read_text())
    policy["fallback_policy"] = {"mode": "deny"}
    path = tmp_path / "deny.json"
    path.write_text(json.dumps(policy))
    return path


@pytest.fixture
def own_policy(tmp_path: Path) -> Path:
    """The sample policy, for a test to change."""
    path = tmp_path / "policy.json"
    path.write_text(SAMPLE.read_text())
    return path
