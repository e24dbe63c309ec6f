"""The words for the preconditions of `real-policy`, in the order in which they are asked."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from flagctl.vocabulary import Term, Tone


class Precondition(StrEnum):
    """What must hold before `real-policy` may come into force."""

    POLICY = "policy"
    PYSLURM = "pyslurm"
    CONTROLLER = "controller"
    ACCOUNTING = "accounting"
    PARTITIONS = "partitions"
    ACCOUNTS = "accounts"
    WALLTIME = "walltime"
    RUNBOOK = "runbook"


_WORDS: Final = {
    Precondition.POLICY: ("queue policy", "The policy file is valid."),
    Precondition.PYSLURM: ("pyslurm", "The Slurm child starts and fits the cluster's release."),
    Precondition.CONTROLLER: ("slurmctld", "A controller answers."),
    Precondition.ACCOUNTING: ("slurmdbd", "The accounting database answers."),
    Precondition.PARTITIONS: ("partitions", "Every mapped partition exists and is UP."),
    Precondition.ACCOUNTS: ("accounts and QoS", "The service user may use what is mapped."),
    Precondition.WALLTIME: ("walltime", "No mapping allows longer jobs than the cluster runs."),
    Precondition.RUNBOOK: ("runbook", "The runbook is linked."),
}

PRECONDITIONS: Final[Mapping[Precondition, Term]] = MappingProxyType(
    {name: Term(label, Tone.CALM, meaning) for name, (label, meaning) in _WORDS.items()}
)
