"""The runbook tells every message that on-call can meet, each in the words of the code."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from flagctl.cli.exits import EXITS
from flagctl.errors import Code
from flagctl.runtime.problems import STATUS, ProblemCode, TooLargeError
from flagctl.settings import Settings
from flagctl.store.trouble import StoreTroubleError, Trouble
from flagctl.vocabulary import ProbeError
from flagctl.wiring import runtime_services
from tests.docs.runbook import RUNBOOK

TEXT = RUNBOOK.read_text(encoding="utf-8")
NAME = re.compile(r"`(\w+)`")
HANDOFF_URL = "http://127.0.0.1:9/submit"


def rows(header: str) -> list[list[str]]:
    """The cells of the table with this header."""
    table = TEXT.partition(f"\n{header}\n")[2].partition("\n\n")[0]
    assert table, f"there is no table with the header {header!r}"
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.split("\n")[1:]]


EXIT_ROWS = rows("| exit | code | means | do |")
ANSWER_ROWS = rows("| status | code | means | who |")
TROUBLE_ROWS = rows("| trouble | means | do |")


@pytest.mark.parametrize("code", Code)
def test_every_code_stands_beside_its_exit_status(code: Code) -> None:
    told = {int(row[0]) for row in EXIT_ROWS if str(code) in NAME.findall(row[1])}
    assert told == {EXITS[code]}


def test_every_answer_to_a_submission_is_told_and_no_other() -> None:
    told = {(int(status), NAME.findall(code)[0]) for status, code, *_ in ANSWER_ROWS}
    too_large = TooLargeError(1)
    assert told == {
        *((int(STATUS[code]), str(code)) for code in ProblemCode),
        (int(too_large.status), str(too_large.code)),
    }


@pytest.mark.parametrize("trouble", Trouble)
def test_every_trouble_of_the_store_is_told_in_its_own_words(trouble: Trouble) -> None:
    message = str(StoreTroubleError(trouble, Path("control.db")))
    assert [row for row in TROUBLE_ROWS if any(is_said(each, message) for each in parts(row))]


def test_the_runbook_tells_no_trouble_that_the_store_never_says() -> None:
    messages = [str(StoreTroubleError(trouble, Path("control.db"))) for trouble in Trouble]
    for row in TROUBLE_ROWS:
        for words in parts(row):
            assert any(is_said(words, message) for message in messages), words


def parts(row: list[str]) -> list[str]:
    return row[0].split("; ")


def is_said(words: str, message: str) -> bool:
    """Tell whether a message has these words; `…` stands for what differs."""
    return re.search(re.escape(words).replace("…", ".+"), message) is not None


def test_every_probe_of_readiness_is_told(tmp_path: Path) -> None:
    told = {NAME.findall(row[0])[0] for row in rows("| probe | failed means | do |")}
    by_spool = Settings(data_dir=tmp_path)
    assert told == probes_of(by_spool) | probes_of(replace(by_spool, handoff_url=HANDOFF_URL))


def probes_of(settings: Settings) -> set[str]:
    services = runtime_services(settings)
    services.reader.close()
    services.store.close()
    return {probe.name for probe in services.probes}


def test_every_error_of_a_probe_is_told() -> None:
    assert {NAME.findall(row[0])[0] for row in rows("| error | means |")} == set(ProbeError)
