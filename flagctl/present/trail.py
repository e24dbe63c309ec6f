"""Audit events as they are shown and exported."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import fields

from flagctl.domain.audit import AuditEvent
from flagctl.present.plain import to_plain
from flagctl.present.records import AuditRecord
from flagctl.present.sentence import sentence

COLUMNS = tuple(item.name for item in fields(AuditRecord))

# A spreadsheet runs a cell that begins with one of these as a formula.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def audit_record(event: AuditEvent) -> AuditRecord:
    """Return an audit event as it is shown."""
    own = {item.name: getattr(event, item.name) for item in fields(event)}
    return AuditRecord(**own, sentence=sentence(event))


def json_lines(events: Iterable[AuditEvent]) -> Iterator[str]:
    """Return one line of JSON for each event, with everything that its hash covers."""
    for event in events:
        yield json.dumps(to_plain(audit_record(event)), ensure_ascii=False) + "\n"


def csv_lines(events: Iterable[AuditEvent]) -> Iterator[str]:
    """Return a header and one row for each event; no cell can run as a formula."""
    yield _row(COLUMNS)
    for event in events:
        plain = to_plain(audit_record(event))
        yield _row(_cell(plain[column]) for column in COLUMNS)


def _row(cells: Iterable[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow(cells)
    return buffer.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    # The apostrophe tells a spreadsheet that text follows; it is not shown there.
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA_STARTS) else text
