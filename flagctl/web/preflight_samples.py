"""Preconditions and queues in every state, for the page of patterns."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from flagctl.domain.boundary import SlurmQueueMapping
from flagctl.domain.parity import Parity
from flagctl.domain.precondition import Precondition
from flagctl.domain.preflight import Finding, Verdict
from flagctl.domain.process import ProcessReport
from flagctl.domain.readiness import Judge, Judgement
from flagctl.present.preflight import PreflightRecord, preflight_record
from flagctl.vocabulary import ProbeError, ProbeStatus

_MAPPING: Final = SlurmQueueMapping("standard", "short", "chem-default", "normal", 120)


def preflight_sample(process: ProcessReport, words: str, now: datetime) -> PreflightRecord:
    """Return what two processes told: one that found trouble, and one that told nothing."""
    states = (ProbeStatus.OK, ProbeStatus.FAILED, ProbeStatus.SKIPPED)
    findings = tuple(
        _finding(name, states[min(number // 3, 2)], words)
        for number, name in enumerate(Precondition)
    )
    rows = (
        Parity("standard", "standard", False, _MAPPING, None, None),
        Parity(words, "standard", True, _MAPPING, None, words),
        Parity("unknown", None, False, None, words, None),
    )
    told = Judgement(Verdict(findings, now - timedelta(seconds=4)), rows)
    return preflight_record([Judge(process, told), Judge(process, None)], now)


def _finding(name: Precondition, status: ProbeStatus, words: str) -> Finding:
    error = ProbeError.UNREACHABLE if status is ProbeStatus.FAILED else None
    return Finding(name, status, error, 0.7, words)
