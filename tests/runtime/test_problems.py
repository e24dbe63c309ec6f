"""What the adapter refuses is one status and one code to a client, for each way of refusing."""

import pytest

from flagctl.adapter import (
    SlurmPolicyConfigError,
    SlurmPolicyDeniedError,
    SlurmPolicyError,
    SlurmRealAdapterPreconditionError,
    SlurmUnavailableError,
)
from flagctl.dispatch.ports import InDoubtError, NotSentError
from flagctl.errors import FlagctlError
from flagctl.runtime.problems import ProblemCode, from_flagctl_error, response

TOLD = "what the adapter says is for the client too"

ANSWERS: dict[type[SlurmPolicyError], tuple[int, ProblemCode]] = {
    SlurmPolicyDeniedError: (422, ProblemCode.POLICY_REJECTED),
    SlurmPolicyConfigError: (503, ProblemCode.ADAPTER_MISCONFIGURED),
    SlurmRealAdapterPreconditionError: (503, ProblemCode.ADAPTER_MISCONFIGURED),
    SlurmUnavailableError: (503, ProblemCode.EXECUTION_UNAVAILABLE),
}


@pytest.mark.parametrize("kind", SlurmPolicyError.__subclasses__())
def test_each_refusal_of_the_adapter_has_the_status_and_code_of_the_contract(
    kind: type[SlurmPolicyError],
) -> None:
    problem = from_flagctl_error(kind(TOLD))
    assert (problem.status, problem.code, problem.detail) == (*ANSWERS[kind], TOLD)


@pytest.mark.parametrize("kind", [NotSentError, InDoubtError])
def test_a_failed_dispatch_is_unavailable_and_keeps_our_paths_to_the_log(
    kind: type[FlagctlError],
) -> None:
    problem = from_flagctl_error(kind("the spool under some path is full"))
    assert (problem.status, problem.code) == (503, ProblemCode.EXECUTION_UNAVAILABLE)
    assert "path" not in problem.detail


@pytest.mark.parametrize("kind", ANSWERS)
def test_only_what_a_retry_may_mend_says_when_to_try_again(kind: type[SlurmPolicyError]) -> None:
    answer = response(from_flagctl_error(kind(TOLD)))
    assert ("Retry-After" in answer.headers) is (kind is SlurmUnavailableError)
