"""What a flip does to submissions, and what it must not do."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from flagctl.store.files import DataFiles
from flagctl.vocabulary import Mode
from tests.cli.terminal import Terminal
from tests.runtime.commands import PATH, command
from tests.runtime.conftest import MakeRuntime, Serve
from tests.runtime.serve import HOLD
from tests.runtime.tenants import bearer
from tests.runtime.test_submit import spooled
from tests.waiting import wait_until

Flip = Callable[[Mode], None]


def modes(files: DataFiles) -> dict[str, str]:
    """The mode in which each key was resolved, as the spool has it."""
    return {
        order["command"]["idempotency_key"]: order["boundary"]["adapter"]
        for order in spooled(files)
    }


def test_a_flip_on_the_command_line_is_what_the_next_submission_uses(
    serve: Serve, files: DataFiles
) -> None:
    served = serve()
    served.submit(idempotency_key="before")
    words = ("rollback", Mode.PASSTHROUGH, "--reason", "slow", "--expires", "4h")
    assert Terminal(files.directory).type(*words).code == 0
    served.submit(idempotency_key="after")
    assert modes(files) == {"before": Mode.STUB_POLICY, "after": Mode.PASSTHROUGH}


def test_a_flip_is_used_at_once_by_every_process(
    serve: Serve, files: DataFiles, flip: Flip
) -> None:
    processes = [serve() for _ in range(3)]
    flip(Mode.PASSTHROUGH)
    for number, process in enumerate(processes):
        assert process.submit(idempotency_key=f"{number}").status_code == 202
    assert set(modes(files).values()) == {Mode.PASSTHROUGH}


def test_a_submission_in_flight_finishes_in_the_mode_it_began_with(
    serve: Serve, files: DataFiles, flip: Flip
) -> None:
    hold = files.directory / HOLD
    hold.touch()
    served = serve(fault="held-in-dispatch")
    with ThreadPoolExecutor() as pool:
        in_flight = pool.submit(served.submit, idempotency_key="in flight")
        wait_until(lambda: gauge(served.http, Mode.STUB_POLICY) == 1)
        flip(Mode.PASSTHROUGH)
        later = pool.submit(served.submit, idempotency_key="later")
        wait_until(lambda: gauge(served.http, Mode.PASSTHROUGH) == 1)
        assert gauge(served.http, Mode.STUB_POLICY) == 1
        hold.unlink()
        assert [in_flight.result().status_code, later.result().status_code] == [202, 202]
    assert modes(files) == {"in flight": Mode.STUB_POLICY, "later": Mode.PASSTHROUGH}
    assert (gauge(served.http, Mode.STUB_POLICY), gauge(served.http, Mode.PASSTHROUGH)) == (0, 0)


def gauge(http: Any, mode: Mode) -> float:
    """Submissions in flight, as the metrics tell."""
    line = f'flagctl_in_flight{{mode="{mode}"}} '
    text = http.get("/metrics").text
    return float(text.partition(line)[2].partition("\n")[0])


def test_a_retry_after_a_flip_gets_the_first_answer_and_is_not_dispatched_again(
    runtime: TestClient, files: DataFiles, flip: Flip
) -> None:
    first = runtime.post(PATH, json=command())
    (path,) = files.spool.iterdir()
    path.unlink()  # the management node took it
    flip(Mode.PASSTHROUGH)
    assert runtime.post(PATH, json=command()).content == first.content
    assert not spooled(files)


def test_a_retry_is_answered_although_the_mode_would_deny_it_now(
    make_runtime: MakeRuntime, token: str, files: DataFiles, deny_policy: Path
) -> None:
    asked = command(execution_profile__queue_name="unknown")
    before = make_runtime(adapter_pin=Mode.PASSTHROUGH, policy_path=deny_policy)
    first = before.post(PATH, json=asked, headers=bearer(token))
    after = make_runtime(policy_path=deny_policy)
    assert after.post(PATH, json=asked, headers=bearer(token)).content == first.content
    another = command(execution_profile__queue_name="unknown", idempotency_key="another")
    assert after.post(PATH, json=another, headers=bearer(token)).status_code == 422
    assert len(spooled(files)) == 1


@pytest.mark.parametrize("mode", [Mode.PASSTHROUGH, Mode.STUB_POLICY])
def test_the_environment_alone_rolls_a_process_back(
    serve: Serve, files: DataFiles, cut_over: Callable[[], None], mode: Mode
) -> None:
    cut_over()
    refused = serve().submit()
    assert (refused.status_code, refused.json()["code"]) == (503, "adapter_misconfigured")
    served = serve(ZPE_SLURM_ADAPTER=mode)
    assert served.submit().status_code == 202
    assert modes(files) == {"key-1": mode}
    in_force = served.http.get("/api/health").json()["in_force"]
    assert (in_force["mode"], in_force["source"]) == (mode, "env")


def test_a_rollback_flag_lowers_a_process_that_the_environment_pins_higher(
    serve: Serve, files: DataFiles, flip: Flip
) -> None:
    served = serve(ZPE_SLURM_ADAPTER=Mode.REAL_POLICY)
    refused = served.submit(idempotency_key="before")
    assert (refused.status_code, refused.json()["code"]) == (503, "adapter_misconfigured")
    flip(Mode.STUB_POLICY)
    assert served.submit(idempotency_key="after").status_code == 202
    assert modes(files) == {"after": Mode.STUB_POLICY}


def test_a_break_glass_file_lowers_a_running_runtime(serve: Serve, files: DataFiles) -> None:
    served = serve()
    files.break_glass.touch()
    keys = iter(range(1000))

    def lowered() -> bool:
        key = f"{next(keys)}"
        served.submit(idempotency_key=key)
        return modes(files)[key] == Mode.PASSTHROUGH

    wait_until(lowered)
    assert "break-glass" in " ".join(served.http.get("/api/health").json()["reasons"])
