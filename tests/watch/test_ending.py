"""What runs for an object ends with it, wherever it is collected, or with the process."""

import subprocess
import sys
import threading

from flagctl.ending import end_with
from tests.waiting import wait_until


class Owner:
    """Something that others run for."""


def test_an_owner_may_be_collected_in_the_very_thread_that_its_end_waits_for() -> None:
    owners = [Owner()]
    ended = threading.Event()
    thread = threading.Thread(target=owners.clear)

    def stop() -> None:
        thread.join()
        ended.set()

    end_with(owners[0], stop)
    thread.start()
    wait_until(ended.is_set)


def test_an_owner_may_be_collected_by_one_who_holds_what_its_end_needs() -> None:
    owners = [Owner()]
    needed = threading.Lock()
    ended = threading.Event()

    def stop() -> None:
        with needed:
            ended.set()

    end_with(owners[0], stop)
    with needed:
        owners.clear()
        assert not ended.is_set()
    wait_until(ended.is_set)


def process(then: str, stop: str = "stop") -> subprocess.CompletedProcess[str]:
    """A process in which the end of an owner takes until the process is about to end."""
    code = f"""
import atexit, threading
from flagctl.ending import end_with

class Owner: ...

def stop():
    if not ended:
        leaving.wait()
        ended.append(True)
        print("ended", flush=True)

ended, leaving, owner = [], threading.Event(), Owner()
end_with(owner, {stop})
atexit.register(leaving.set)
{then}
"""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )


def test_an_owner_that_lives_as_long_as_the_process_ends_with_it() -> None:
    assert process("").stdout == "ended\n"


def test_the_process_waits_for_the_end_of_an_owner_that_was_collected_just_before() -> None:
    assert process("del owner").stdout == "ended\n"


def test_an_end_that_fails_is_told_and_holds_up_nobody() -> None:
    done = process("print('on')", stop="lambda: 1 / 0")
    assert done.stdout == "on\n"
    assert "ZeroDivisionError" in done.stderr
