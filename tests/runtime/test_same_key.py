"""Two requests with the same key at once: one dispatch, one answer."""

from concurrent.futures import ThreadPoolExecutor

from flagctl.store.files import DataFiles
from flagctl.vocabulary import Mode
from tests.runtime.conftest import Serve
from tests.runtime.serve import HOLD, WAIT
from tests.runtime.test_bad_input import refused
from tests.runtime.test_modes import gauge
from tests.runtime.test_submit import spooled
from tests.waiting import wait_until


def test_the_other_request_waits_and_gets_the_same_answer(serve: Serve, files: DataFiles) -> None:
    hold = files.directory / HOLD
    hold.touch()
    served = serve(fault="held-in-dispatch")
    with ThreadPoolExecutor() as pool:
        both = [pool.submit(served.submit) for _ in range(2)]
        wait_until(lambda: gauge(served.http, Mode.STUB_POLICY) == 2)
        hold.unlink()
        first, second = (each.result() for each in both)
    assert (first.status_code, first.content) == (202, second.content)
    assert len(spooled(files)) == 1
    served.stop()
    outcomes = sorted(line["outcome"] for line in served.logged("request") if "outcome" in line)
    assert outcomes == ["accepted", "replayed"]


def test_the_other_request_may_reach_another_process(serve: Serve, files: DataFiles) -> None:
    hold = files.directory / HOLD
    hold.touch()
    one, other = serve(fault="held-in-dispatch"), serve()
    with ThreadPoolExecutor() as pool:
        first = pool.submit(one.submit)
        wait_until(lambda: gauge(one.http, Mode.STUB_POLICY) == 1 and other.is_up())
        wait_until(lambda: len(one.logged("slurm_adapter_resolution")) == 1)
        second = pool.submit(other.submit)
        wait_until(lambda: gauge(other.http, Mode.STUB_POLICY) == 1)
        hold.unlink()
        assert first.result().status_code == 202
        assert second.result().content == first.result().content
    assert len(spooled(files)) == 1


def test_one_that_waits_too_long_is_503_and_gets_the_same_answer_later(
    serve: Serve, files: DataFiles
) -> None:
    hold = files.directory / HOLD
    hold.touch()
    served = serve(fault="held-in-dispatch", **{WAIT: "0.2"})
    with ThreadPoolExecutor() as pool:
        first = pool.submit(served.submit)
        wait_until(lambda: gauge(served.http, Mode.STUB_POLICY) == 1)
        told = served.submit()
        refused(told, 503, "execution_unavailable")
        assert int(told.headers["Retry-After"]) > 0
        hold.unlink()
        assert first.result().status_code == 202
    assert served.submit().content == first.result().content
    assert len(spooled(files)) == 1


def test_a_hundred_at_once_in_two_processes_are_one_dispatch(
    serve: Serve, files: DataFiles
) -> None:
    processes = [serve(), serve()]
    with ThreadPoolExecutor(20) as pool:
        asked = [pool.submit(processes[number % 2].submit) for number in range(100)]
        answers = [each.result() for each in asked]
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.content for answer in answers}) == 1
    assert len(spooled(files)) == 1
