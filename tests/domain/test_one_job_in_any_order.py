"""One job for each submission, in any order of attempts, faults and crashes.

The model is the worst world that the steps may live in: every call may be lost before or after it
had its effect, or arrive whenever it likes; whoever makes an attempt may die, or stand still and
go on later; others take over at any moment; Slurm may lose any job.
"""

from dataclasses import dataclass, field
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from flagctl.domain.one_job import (
    BeginRelease,
    Cancel,
    EndRelease,
    Entry,
    LookUp,
    LostError,
    NothingSentError,
    Record,
    Release,
    Reopen,
    Replace,
    Seen,
    Step,
    Steps,
    Submit,
    SupersededError,
    one_job,
    without_strays,
)

FIRST, RETRY, RESOLVER, SWEEPER = "first", "retry", "resolver", "sweeper"
NEW, CLAIMED, UNSENT, ACCEPTED = "new", "claimed", "unsent", "accepted"
GOES_WELL, IS_LOST, LOSES_ITS_ANSWER, COMES_LATE = "well", "lost", "no answer", "late"
TO_SLURM = (Submit, Release, Cancel)


class UnknownError(Exception):
    """There was no answer."""


@dataclass(eq=False)
class Attempt:
    """A process at work: the steps, and the one to be done next."""

    kind: str
    steps: Steps
    todo: Step
    is_done: bool = False


@dataclass
class Slurm:
    """Jobs by number: `held`, `ran`, `cancelled`. A lost one is not known any more."""

    jobs: dict[int, str] = field(default_factory=dict)
    lost: set[int] = field(default_factory=set)
    late: list[Step] = field(default_factory=list)

    def do(self, step: Step) -> Any:
        match step:
            case Submit():
                self.jobs[len(self.jobs) + 1] = "held"
                return len(self.jobs)
            case Release(number) | Cancel(number):
                if number in self.lost:
                    return None
                if self.jobs[number] == "held":
                    self.jobs[number] = "ran" if isinstance(step, Release) else "cancelled"
                return Seen(number, held=False)
            case _:
                return tuple(
                    Seen(number, held=state == "held")
                    for number, state in self.jobs.items()
                    if number not in self.lost
                )


class Model(RuleBasedStateMachine):
    """One submission: its claim, what is recorded, Slurm, and who is at work on it."""

    def __init__(self) -> None:
        super().__init__()
        self.state, self.is_slurms = NEW, True
        self.holder: Attempt | None = None
        self.entry, self.may_have_strays, self.spooled = Entry(), False, 0
        self.slurm = Slurm()
        self.at_work: list[Attempt] = []

    # What clients and processes do.

    @precondition(lambda self: self.state in (NEW, UNSENT))
    @rule(to_slurm=st.sampled_from((True, True, True, False)))
    def a_client_submits(self, to_slurm: bool) -> None:
        self.is_slurms = to_slurm
        if to_slurm:
            self.state = CLAIMED
            self.begin(FIRST, one_job(is_first=True))
        else:
            self.state, self.spooled = ACCEPTED, self.spooled + 1

    @precondition(lambda self: self.state == CLAIMED)
    @rule()
    def a_client_retries_and_the_claim_is_taken_over(self) -> None:
        self.begin(RETRY, one_job(is_first=False))

    @precondition(lambda self: self.state == CLAIMED)
    @rule()
    def it_is_settled_without_a_client(self) -> None:
        self.begin(RESOLVER, one_job(is_first=False, may_submit=False))

    @precondition(lambda self: self.state == ACCEPTED)
    @rule()
    def strays_are_swept(self) -> None:
        self.begin(SWEEPER, without_strays(self.entry.job_id))

    @precondition(lambda self: self.at_work)
    @rule(data=st.data())
    def a_process_dies(self, data: st.DataObject) -> None:
        self.at_work.remove(data.draw(st.sampled_from(self.at_work)))

    @precondition(lambda self: self.at_work)
    @rule(data=st.data(), count=st.integers(1, 7))
    def somebody_goes_on(self, data: st.DataObject, count: int) -> None:
        attempt = data.draw(st.sampled_from(self.at_work))
        while count and not attempt.is_done:
            self.do(attempt, GOES_WELL)
            count -= 1

    @precondition(lambda self: self.at_work)
    @rule(data=st.data(), way=st.sampled_from((IS_LOST, LOSES_ITS_ANSWER, COMES_LATE)))
    def a_call_goes_wrong(self, data: st.DataObject, way: str) -> None:
        attempt = data.draw(st.sampled_from(self.at_work))
        if way != COMES_LATE or isinstance(attempt.todo, TO_SLURM):
            self.do(attempt, way)

    # What Slurm does.

    @precondition(lambda self: self.slurm.late)
    @rule(data=st.data())
    def something_arrives_late(self, data: st.DataObject) -> None:
        step = data.draw(st.sampled_from(self.slurm.late))
        self.slurm.late.remove(step)
        self.slurm.do(step)

    @precondition(lambda self: self.slurm.jobs)
    @rule(data=st.data())
    def slurm_loses_a_job(self, data: st.DataObject) -> None:
        self.slurm.lost.add(data.draw(st.sampled_from(sorted(self.slurm.jobs))))

    # What must hold.

    @invariant()
    def at_most_one_job_ran(self) -> None:
        assert self.ran() <= 1, self.slurm

    @invariant()
    def what_is_accepted_ran(self) -> None:
        assert self.state != ACCEPTED or self.ran() == 1, (self.entry, self.slurm)

    def teardown(self) -> None:
        """Let everybody die and everything arrive; then a retry is answered, and nothing stays."""
        if self.state == NEW:
            return
        self.at_work.clear()
        while self.slurm.late:
            self.slurm.do(self.slurm.late.pop())
        if self.is_lost_for_good():
            return
        if self.state == UNSENT:
            self.a_client_submits(to_slurm=True)
            self.finish()
        if self.state == CLAIMED:
            self.a_client_retries_and_the_claim_is_taken_over()
            self.finish()
        assert (self.state, self.ran()) == (ACCEPTED, 1)
        if self.may_have_strays:
            self.strays_are_swept()
            self.finish()
        assert not self.held() - self.slurm.lost

    # How the model works.

    def ran(self) -> int:
        return self.spooled + list(self.slurm.jobs.values()).count("ran")

    def held(self) -> set[int]:
        return {number for number, state in self.slurm.jobs.items() if state == "held"}

    def is_lost_for_good(self) -> bool:
        """The recorded job is gone, and nobody can tell whether it ran."""
        is_gone = self.entry.job_id in self.slurm.lost and self.entry.releases > 0
        return self.state == CLAIMED and is_gone

    def begin(self, kind: str, steps: Steps) -> None:
        attempt = Attempt(kind, steps, next(steps))
        self.at_work.append(attempt)
        if kind != SWEEPER:
            self.holder = attempt

    def finish(self) -> None:
        (attempt,) = self.at_work
        while not attempt.is_done:
            self.do(attempt, GOES_WELL)

    def do(self, attempt: Attempt, way: str) -> None:
        try:
            attempt.todo = self.step(attempt, way)
        except StopIteration as end:
            self.end(attempt)
            self.take_result(attempt, end.value)
        except NothingSentError:
            self.end(attempt)
            is_provably_unsent = attempt.kind == FIRST and isinstance(attempt.todo, Submit)
            if is_provably_unsent and self.holder is attempt:
                self.state = UNSENT
        except (UnknownError, LostError, SupersededError):
            self.end(attempt)

    def step(self, attempt: Attempt, way: str) -> Step:
        if way == IS_LOST:
            error = NothingSentError if isinstance(attempt.todo, TO_SLURM) else UnknownError
            return attempt.steps.throw(error())
        if way == COMES_LATE:
            self.slurm.late.append(attempt.todo)
            return attempt.steps.throw(UnknownError())
        came = self.perform(attempt.todo)
        if way == LOSES_ITS_ANSWER:
            return attempt.steps.throw(UnknownError())
        return attempt.steps.send(came)

    def perform(self, step: Step) -> Any:
        """Do a step, as the ledger and Slurm do."""
        entry, may_record = self.entry, self.state == CLAIMED and self.is_slurms
        match step:
            case Reopen():
                self.may_have_strays = True
            case Record(number) if entry.job_id is None and may_record:
                self.entry = Entry(number)
            case Replace(lost, by) if entry == Entry(lost):
                self.entry = Entry(by)
            case BeginRelease(number):
                is_standing = entry.job_id == number
                self.entry = Entry(entry.job_id, entry.releases + is_standing)
                return is_standing
            case EndRelease(number) if entry.job_id == number:
                self.entry = Entry(number, entry.releases - 1)
            case LookUp() | Submit() | Release() | Cancel():
                return self.slurm.do(step)
        return self.entry

    def end(self, attempt: Attempt) -> None:
        attempt.is_done = True
        self.at_work.remove(attempt)

    def take_result(self, attempt: Attempt, number: int | None) -> None:
        if attempt.kind == SWEEPER:
            # It is asked for ten minutes more; by then everything late has come.
            self.may_have_strays = bool(self.held() or self.slurm.late or self.at_work)
        elif number is not None:
            self.state = ACCEPTED
        elif self.holder is attempt and self.state == CLAIMED and self.entry.job_id is None:
            self.state = UNSENT


Model.TestCase.settings = settings(max_examples=200, stateful_step_count=30, deadline=None)
TestAnyOrderOfEvents = Model.TestCase
