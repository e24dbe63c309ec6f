"""The settings about Slurm, as the environment gives them."""

import pytest

from flagctl.errors import MisconfiguredError
from flagctl.settings import load_settings


def test_the_child_is_given_in_words_as_a_shell_splits_them() -> None:
    settings = load_settings({"FLAGCTL_SLURM_CHILD": "/opt/my\\ slurm/bin/python -m 'the child'"})
    assert settings.slurm_child == ("/opt/my slurm/bin/python", "-m", "the child")


def test_without_settings_the_child_is_our_own_and_the_bounds_are_the_documented_ones() -> None:
    settings = load_settings({})
    assert settings.slurm_child is None
    assert (settings.slurm_call_timeout_s, settings.slurm_snapshot_max_age_s) == (5.0, 15.0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FLAGCTL_SLURM_CHILD", "''' unclosed"),
        ("FLAGCTL_SLURM_CALL_TIMEOUT_S", "0"),
        ("FLAGCTL_SLURM_CALL_TIMEOUT_S", "soon"),
        ("FLAGCTL_SLURM_SNAPSHOT_MAX_AGE_S", "-1"),
        ("FLAGCTL_SLURM_SNAPSHOT_MAX_AGE_S", "inf"),
    ],
)
def test_a_value_that_can_t_be_used_refuses_to_start(name: str, value: str) -> None:
    with pytest.raises(MisconfiguredError, match=f"{name}=.*start again"):
        load_settings({name: value})
