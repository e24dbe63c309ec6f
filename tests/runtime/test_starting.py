"""What refuses to start, saying what to do, and what starts nevertheless."""

import pytest

from flagctl.vocabulary import Mode
from tests.cli.terminal import Terminal


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"ZPE_SLURM_ADAPTER": "bogus"}, "ZPE_SLURM_ADAPTER=bogus"),
        ({"ZPE_SLURM_ADAPTER": Mode.REAL_POLICY}, "ZPE_SLURM_POLICY_PATH is not set"),
        ({"FLAGCTL_HANDOFF_URL": "node:1"}, "FLAGCTL_HANDOFF_URL"),
        ({"FLAGCTL_SPOOL_MAX_FILES": "0"}, "FLAGCTL_SPOOL_MAX_FILES"),
        ({"FLAGCTL_SUBMISSION_RETENTION_DAYS": "a week"}, "FLAGCTL_SUBMISSION_RETENTION_DAYS"),
    ],
    ids=str,
)
def test_a_setting_that_cannot_be_used_refuses_to_start(
    tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str], told: str
) -> None:
    answer = Terminal(tmp_path_factory.mktemp("data")).type("runtime", **environment)
    assert answer.code == 2
    assert told in answer.err
    assert "start again" in answer.err
