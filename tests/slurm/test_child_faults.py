"""What a child may say or do wrong at its start and in its answers, and what it is called then."""

import sys

import pytest

from flagctl.slurm.child_keeper import ChildKeeper
from flagctl.slurm.supervisor import Call, Supervisor
from flagctl.vocabulary import ProbeError
from tests.slurm.conftest import fake_argv, supervised
from tests.slurm.jobs import trouble
from tests.slurm.world import World

SHORT_S = 0.5
WATCH = Call("control", watches=True)
FIND = Call("find", {"name": "nobody", "since": 1})


BABBLERS = {
    "no JSON": "hello",
    "another version": '{"v":2,"hello":{}}',
    "half a hello": '{"v":1,"hello":{"user":"x"}}',
}


@pytest.mark.parametrize("hello", BABBLERS.values(), ids=BABBLERS.keys())
def test_a_child_of_another_kind_is_misconfigured(hello: str) -> None:
    program = f"import signal; print({hello!r}, flush=True); signal.pause()"
    with supervised([sys.executable, "-c", program]) as supervisor:
        error = trouble(supervisor.ask(WATCH))
        assert (error.error, error.is_start) == (ProbeError.MISCONFIGURED, True)


ANSWERS = {
    "to another request": '{"v":1,"id":99,"ok":{},"ms":1}',
    "with neither result nor error": '{"v":1,"id":1,"ms":1}',
    "that is no JSON": "}{",
    "twice": '{"v":1,"id":1,"ok":{"jobs":[]},"ms":1}\\n{"v":1,"id":1,"ok":{},"ms":1}',
}
HELLO = '{"v":1,"hello":{"user":"u","groups":[],"pyslurm":"1.2.3","python":"3"}}'


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS.keys())
def test_a_child_that_answers_garbage_is_ended_and_named(answer: str) -> None:
    program = f"print('{HELLO}', flush=True)\nwhile input(): print('{answer}', flush=True)"
    with supervised([sys.executable, "-c", program]) as supervisor:
        pids = []
        for _ in range(2):
            reply = supervisor.ask(Call("find", watches=True))
            if reply.exception(timeout=20.0) is not None:
                break
            pids.append(supervisor.child_pid)
        error = trouble(reply)
        assert error.error is ProbeError.MISCONFIGURED
        assert "broken" in str(error)
        assert supervisor.child_pid is None


STARTS = {
    "no such program": (["/nonexistent/python"], ProbeError.TOOLING_MISSING, "No such file"),
    "ends at once": (["/bin/false"], ProbeError.MISCONFIGURED, "status 1"),
}


@pytest.mark.parametrize(("argv", "kind", "words"), STARTS.values(), ids=STARTS.keys())
def test_a_child_that_can_not_start_says_why(argv: list[str], kind: ProbeError, words: str) -> None:
    with supervised(argv) as supervisor:
        error = trouble(supervisor.ask(WATCH))
        assert (error.error, error.is_start) == (kind, True)
        assert words in str(error)


def test_a_python_without_pyslurm_is_missing_tooling(world: World) -> None:
    world.plan("start", "missing")
    with supervised(fake_argv(world)) as supervisor:
        error = trouble(supervisor.ask(WATCH))
        assert (error.error, error.is_start) == (ProbeError.TOOLING_MISSING, True)
        assert "pyslurm" in str(error)


def test_a_child_that_ends_at_its_start_is_misconfigured_in_its_own_words(world: World) -> None:
    world.plan("start", "exit")
    with supervised(fake_argv(world)) as supervisor:
        error = trouble(supervisor.ask(WATCH))
        assert (error.error, error.is_start) == (ProbeError.MISCONFIGURED, True)
        assert "fatal: as planned" in str(error)


def test_a_child_that_says_nothing_at_its_start_times_out(world: World) -> None:
    world.plan("start", "hang")
    with supervised(fake_argv(world), call_timeout_s=SHORT_S) as supervisor:
        assert trouble(supervisor.ask(WATCH)).error is ProbeError.TIMEOUT
        assert supervisor.child_pid is None


def test_a_child_that_fails_again_and_again_is_not_started_all_the_time(world: World) -> None:
    world.plan("start", "exit")
    keeper = ChildKeeper(fake_argv(world), restart_delays_s=(1000.0,))
    supervisor = Supervisor(keeper, call_timeout_s=20.0)
    first = trouble(supervisor.ask(WATCH))
    world.mend()
    again = trouble(supervisor.ask(WATCH))
    assert (again.error, str(again)) == (first.error, str(first))
    supervisor.close()


def test_a_flood_on_standard_error_stops_nothing() -> None:
    flood = "import sys; [sys.stderr.write('x' * 100 + '\\\\n') for _ in range(20000)]"
    answer = '{"v":1,"id":1,"ok":{"jobs":[]},"ms":1}'
    program = (
        f"print('{HELLO}', flush=True); input(); {flood}; print('{answer}', flush=True); input()"
    )
    with supervised([sys.executable, "-c", program]) as supervisor:
        assert supervisor.ask(FIND).result(timeout=20.0).ok == {"jobs": []}
