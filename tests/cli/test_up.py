"""`flagctl up`: what a newcomer starts first, end to end."""

import os
import signal
from pathlib import Path

import httpx2
import pytest

from flagctl.vocabulary import Action, Mode
from tests.cli.running import is_alive, started
from tests.cli.terminal import Terminal
from tests.waiting import wait_until


def test_a_job_submitted_by_the_printed_line_waits_in_the_spool(tmp_path: Path) -> None:
    with started(tmp_path) as (terminal, up):
        answers = [up.submit(), up.submit()]
        assert len({answer["submission_id"] for answer in answers}) == 2
        assert len(list(terminal.files.spool.iterdir())) == 2
        assert up.adapter_of(answers[0]["trace_id"]) == Mode.STUB_POLICY


def test_the_first_administrator_gets_a_link_until_somebody_has_a_password(
    tmp_path: Path,
) -> None:
    with started(tmp_path) as (_, up):
        unused = up.told["sign_in"]
        up.stop(signal.SIGTERM)
    with started(tmp_path) as (terminal, up):
        assert (
            httpx2.get(f"{up.told['web']}/sign-in/{unused.rpartition('/')[2]}").status_code == 404
        )
        typed = {"password": "four words in a row", "repeated": "four words in a row"}
        assert httpx2.post(up.told["sign_in"], data=typed, timeout=30).status_code == 303
        people = terminal.do("users", "list", "--json").json
        assert [person["role"] for person in people] == ["admin"]
        up.stop(signal.SIGTERM)
    with started(tmp_path) as (_, up):
        assert up.told["sign_in"] is None


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_stops_all_of_it(tmp_path: Path, how: signal.Signals) -> None:
    with started(tmp_path) as (_, up):
        children = up.children()
        assert set(children) == {"web", "runtime"}
        assert httpx2.get(f"{up.told['runtime']}/api/health", timeout=60).status_code == 200
        assert httpx2.get(f"{up.told['web']}/healthz", timeout=60).status_code == 200
        os.killpg(up.process.pid, how)  # as a terminal does
        assert up.process.wait(60) == 0
        assert not any(is_alive(pid) for pid in children.values())
        assert "Traceback" not in up.log.read_text()


def test_killing_the_parent_leaves_no_orphan(tmp_path: Path) -> None:
    with started(tmp_path) as (_, up):
        children = up.children()
        up.stop(signal.SIGKILL)
        wait_until(lambda: not any(is_alive(pid) for pid in children.values()))


def test_a_part_that_dies_is_started_again_on_the_same_port(tmp_path: Path) -> None:
    with started(tmp_path) as (_, up):
        before = up.children()["runtime"]
        os.kill(before, signal.SIGKILL)
        wait_until(lambda: up.children().get("runtime", before) != before)
        answer = httpx2.get(f"{up.told['runtime']}/api/health", timeout=60)
        assert answer.status_code == 200
        assert "ended (signal 9)" in up.log.read_text()


def test_starting_again_replaces_the_token_of_the_start_before(tmp_path: Path) -> None:
    with started(tmp_path) as (terminal, up):
        first = up.told["token"]
        up.stop(signal.SIGTERM)
    with started(tmp_path) as (terminal, up):
        assert up.told["token"] != first
        assert "submission_id" in up.submit()
        refused = httpx2.post(
            f"{up.told['runtime']}/api/runtime/jobs:submit",
            headers={"Authorization": f"Bearer {first}"},
            json={},
            timeout=60,
        )
        assert refused.status_code == 401
        actions = [event["action"] for event in terminal.do("audit", "list", "--json").json]
        assert actions.count(Action.TOKEN_ISSUED) == 2
        assert Action.TOKEN_REVOKED not in actions


def test_a_taken_port_is_said_before_anything_is_started(tmp_path: Path) -> None:
    with started(tmp_path) as (_, up):
        port = up.told["web"].rpartition(":")[2]
        other = Terminal(tmp_path / "other")
        answer = other.type("up", "--web-port", port, "--runtime-port", "0")
        assert answer.code == 2
        assert f"Port {port} on 127.0.0.1 can't be taken" in answer.err
        assert "--web-port" in answer.err
        assert not other.files.directory.exists()
