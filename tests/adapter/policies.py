"""Policies, modes and a clock that the adapter's tests share."""

from dataclasses import dataclass

import pytest

from flagctl.adapter.policy_file import CHECK_INTERVAL_S, PolicyFile
from flagctl.adapter.sample_policy import SAMPLE
from flagctl.domain.boundary import SlurmPolicyConfigError
from flagctl.domain.effective import EffectiveMode
from flagctl.domain.policy import QueuePolicy, parse_policy
from flagctl.vocabulary import Freshness, Mode, Source

ROUTING = parse_policy(SAMPLE.read_bytes())
DENYING = QueuePolicy(ROUTING.mappings, default=None)


@dataclass
class FixedPolicy:
    """A policy that needs no file."""

    content: QueuePolicy

    def policy(self) -> QueuePolicy:
        return self.content


def in_force(mode: Mode) -> EffectiveMode:
    return EffectiveMode(mode, Mode.REAL_POLICY, Source.ROLLBACK_FLAG, Freshness.FRESH, 17)


@dataclass
class FixedMode:
    """A reader of a mode that the test moves; it counts how often it was asked."""

    mode: Mode
    reads: int = 0

    def effective(self) -> EffectiveMode:
        self.reads += 1
        return in_force(self.mode)


class Clock:
    """A monotonic clock that the test moves."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s

    def pass_interval(self) -> None:
        self.now_s += CHECK_INTERVAL_S


def complaint(file: PolicyFile) -> str:
    with pytest.raises(SlurmPolicyConfigError) as caught:
        file.policy()
    return str(caught.value)
