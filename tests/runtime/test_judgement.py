"""A live process takes the verdict; command line and gate go by it. The Slurm is made up."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from flagctl.store.facts import live_judges
from flagctl.store.files import DataFiles
from flagctl.vocabulary import Mode
from tests.cli.terminal import Terminal
from tests.runtime import tenants
from tests.runtime.commands import PATH, command
from tests.runtime.conftest import MakeRuntime
from tests.slurm.conftest import fake_argv
from tests.slurm.world import World
from tests.waiting import wait_until

GO_UP = ("cutover", Mode.REAL_POLICY, "--owner", "alice", "--reason", "green", "--expires", "30d")


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A made-up Slurm that says what the real test cluster says."""
    return World.create(tmp_path / "world.json")


@pytest.fixture
def runtime(make_runtime: MakeRuntime, token: str, world: World) -> TestClient:
    """A runtime below the top mode, with a Slurm behind it."""
    runtime = make_runtime(slurm_child=tuple(fake_argv(world)))
    runtime.headers.update(tenants.bearer(token))
    return runtime


@pytest.fixture
def terminal(files: DataFiles) -> Terminal:
    return Terminal(files.directory)


def holds(files: DataFiles) -> bool:
    """Tell whether the one live process says yes now."""
    (judge,) = live_judges(files, datetime.now(UTC))
    return judge.judgement is not None and judge.judgement.verdict.holds


def queues(shown: Any) -> dict[str, dict[str, Any]]:
    return {row["queue"]: row for row in shown["parity"]}


def test_the_verdict_of_a_live_process_opens_the_gate_and_shuts_it(
    runtime: TestClient, files: DataFiles, world: World, terminal: Terminal
) -> None:
    wait_until(lambda: holds(files))
    world.partition("long", state="DOWN")
    wait_until(lambda: not holds(files))
    shown = terminal.type("preflight", "--json")
    assert (shown.code, shown.json["holds"]) == (5, False)
    refused = terminal.type(*GO_UP, "--revision", "0")
    assert refused.code == 7
    assert "Queue “highmem”: partition “long” is DOWN" in refused.err
    assert runtime.get("/api/health").json()["in_force"]["mode"] == Mode.STUB_POLICY
    world.partition("long", state="UP")
    wait_until(lambda: holds(files))
    assert terminal.type("preflight").code == 0
    assert terminal.type(*GO_UP, "--revision", "0").code == 0
    assert runtime.get("/api/ready").status_code == 200
    assert runtime.get("/api/health").json()["in_force"]["mode"] == Mode.REAL_POLICY


def test_names_that_were_asked_for_stand_in_the_parity_table_without_their_tenant(
    runtime: TestClient, files: DataFiles, terminal: Terminal
) -> None:
    asked = command(execution_profile__queue_name="  from-a-script ")
    assert runtime.post(PATH, json=asked).status_code == 202
    wait_until(lambda: "from-a-script" in queues(terminal.type("preflight", "--json").json))
    shown = terminal.type("preflight", "--json")
    row = queues(shown.json)["from-a-script"]
    assert (row["resolved_queue"], row["used_fallback"], row["is_same"]) == ("standard", True, True)
    assert list(queues(shown.json))[:2] == ["standard", "highmem"]
    assert asked["tenant_id"] not in shown.out


def test_a_process_without_a_policy_says_that_it_needs_one(
    make_runtime: MakeRuntime, files: DataFiles, token: str, terminal: Terminal
) -> None:
    make_runtime(policy_path=None)
    shown = wait_until(lambda: terminal.type("preflight", "--json").json["preconditions"])
    assert "Set it to the queue policy file" in shown[0]["detail"]
    refused = terminal.type(*GO_UP, "--revision", "0")
    assert (refused.code, "ZPE_SLURM_POLICY_PATH is not set" in refused.err) == (7, True)
