"""`flagctl preflight`: whether the top mode may come into force now, and what every queue gets."""

from __future__ import annotations

from flagctl.cli.desk import now, sit_down
from flagctl.cli.exits import CHECK_FAILED, DONE
from flagctl.cli.options import Json
from flagctl.cli.say import say, say_json
from flagctl.present.preflight import ParityRecord, PreconditionRecord, PreflightRecord
from flagctl.vocabulary import ProbeStatus


def preflight(json: Json = False) -> int:
    """Say whether the preconditions of the top mode hold, as the live processes found."""
    from flagctl.present.preflight import preflight_record
    from flagctl.store.facts import live_judges

    at = now()
    record = preflight_record(live_judges(sit_down().files, at), at)
    if json:
        say_json(record)
    else:
        _tell(record)
    return DONE if record.holds else CHECK_FAILED


def _tell(record: PreflightRecord) -> None:
    say(record.sentence)
    for problem in record.problems:
        say(problem)
    if record.preconditions:
        say()
    for each in record.preconditions:
        say(_line(each))
    if record.parity:
        say()
        say("What each queue gets, by the policy and on the cluster:")
    for row in record.parity:
        say(f"  {_row(row)}")


def _line(each: PreconditionRecord) -> str:
    kind = f" ({each.error})" if each.error else ""
    took = f" [{each.latency_ms:g} ms]" if each.status is ProbeStatus.OK and each.latency_ms else ""
    return f"  {each.status:<8}{each.label}{kind}: {each.detail}{took}"


def _row(row: ParityRecord) -> str:
    if row.denied:
        return f"{row.queue}: the same; {row.denied}"
    mapping = row.mapping
    where = row.resolved_queue or row.queue
    if mapping is not None:
        where += f" (partition {mapping.partition}, account {mapping.account}, QoS {mapping.qos}, "
        where += f"{mapping.max_walltime_minutes} min)"
    answer = f"refused: {row.refused}" if row.refused else "the same"
    return f"{row.queue} → {where}: {answer}"
