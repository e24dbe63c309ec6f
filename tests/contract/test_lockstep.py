"""The pages in `docs/contract` and the code say the same (AC-004); it fails when either moves."""

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from flagctl.adapter import SlurmAdapterBoundaryStub, SlurmPolicyError, SlurmQueueMapping
from flagctl.adapter.sample_policy import SAMPLE
from flagctl.adapter.telemetry import RequestIds, Resolution
from flagctl.domain.effective import EffectiveMode
from flagctl.domain.policy import FallbackMode
from flagctl.vocabulary import CONTRACT_VERSION, LADDER, Freshness, Mode, Source

PAGES = Path(__file__).parents[2] / "docs" / "contract"
CUTOVER = (PAGES / "slurm-real-adapter-cutover.md").read_text()
RUNTIME = (PAGES / "runtime-contracts.md").read_text()
WORD = re.compile(r"`([^`]+)`")


def section(page: str, heading: str) -> str:
    """Return the text under a heading, up to the next one of any level."""
    found = re.search(
        rf"^#+ {re.escape(heading)}[^\n]*\n(.*?)(?=^#|\Z)", page, re.MULTILINE | re.DOTALL
    )
    assert found, f"the page has no heading {heading!r}"
    return found[1]


def first_cells(text: str) -> list[str]:
    """Return the first code word of each row of the tables in a text."""
    return re.findall(r"^\| `([^`]+)`", text, re.MULTILINE)


def log_fields() -> set[str]:
    effective = EffectiveMode(LADDER[0], LADDER[0], Source.DEFAULT, Freshness.FRESH, 1)
    return set(Resolution("q", effective, RequestIds("t", "t", "w", "j")).fields())


BOUNDARY = section(RUNTIME, "1. The boundary")
BASELINE = section(CUTOVER, "Contract baseline")
DELTA = section(CUTOVER, "Interface delta contract")


def test_the_boundary_s_fields_are_those_of_the_page() -> None:
    names = [field.name for field in fields(SlurmAdapterBoundaryStub)]
    assert names == [cell for cell in first_cells(BOUNDARY) if not cell.startswith("Slurm")]
    assert names == [word for word in WORD.findall(BASELINE) if word in names]


def test_the_boundary_s_types_are_those_of_the_page() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+?) \| [^|]*\|$", BOUNDARY, re.MULTILINE))
    hints = get_type_hints(SlurmAdapterBoundaryStub)
    plain = {"requested_queue": str, "resolved_queue": str, "used_fallback": bool}
    assert {name: hints[name].__name__ for name in plain} == {name: rows[name] for name in plain}
    assert {name: hints[name] for name in plain} == plain
    assert re.findall(r'"([^"]+)"', rows["adapter"]) == list(hints["adapter"])
    assert re.findall(r'"([^"]+)"', rows["contract_version"]) == [
        *get_args(hints["contract_version"])
    ]
    assert rows["mapping"].strip("`").replace("\\", "") == "SlurmQueueMapping | None"
    assert hints["mapping"] == SlurmQueueMapping | None


def test_the_mapping_s_fields_are_those_of_both_pages() -> None:
    names = [field.name for field in fields(SlurmQueueMapping)]
    line = next(line for line in BOUNDARY.splitlines() if line.startswith("`SlurmQueueMapping`:"))
    assert WORD.findall(line)[1:] == names
    assert [word for word in WORD.findall(BASELINE) if word in names] == names


def test_the_modes_are_those_of_both_pages() -> None:
    table = section(RUNTIME, "Resolution")
    assert set(first_cells(table)) == set(LADDER)
    old = set(re.findall(r'`"([^"]+)"`', BASELINE))
    new = set(re.findall(r'mode `"([^"]+)"`', DELTA))
    assert old == {Mode.PASSTHROUGH, Mode.STUB_POLICY}
    assert old | new == set(LADDER)


def test_the_rollback_switches_are_modes_below_the_new_one() -> None:
    switches = re.findall(r"ZPE_SLURM_ADAPTER=([a-z-]+)", section(CUTOVER, "Rollback switches"))
    assert switches == [Mode.STUB_POLICY, Mode.PASSTHROUGH]


@pytest.mark.parametrize(
    "text",
    [BASELINE, DELTA, re.findall(r"^## 1\..*$", RUNTIME, re.MULTILINE)[0]],
    ids=["now", "new", "1"],
)
def test_the_contract_version_is_that_of_the_page(text: str) -> None:
    assert set(re.findall(r"slurm-adapter-boundary/[\w.]+", text)) == {CONTRACT_VERSION}


def test_the_error_classes_are_those_of_the_page() -> None:
    assert {cell for cell in first_cells(BOUNDARY) if cell.endswith("Error")} == {
        error.__name__ for error in SlurmPolicyError.__subclasses__()
    }
    assert "one root `SlurmPolicyError(RuntimeError)`" in BOUNDARY


def test_the_fallback_modes_are_those_of_the_page() -> None:
    rules = section(RUNTIME, "Queue policy file")
    line = next(line for line in rules.splitlines() if line.startswith("- `fallback_policy.mode`"))
    words = [word for word in WORD.findall(line) if "_" not in word]
    assert words == list(FallbackMode)


def test_the_sample_policy_is_that_of_the_page() -> None:
    (block,) = re.findall(r"```json\n(.*?)```", section(RUNTIME, "Queue policy file"), re.DOTALL)
    assert json.loads(block) == json.loads(SAMPLE.read_bytes())


@pytest.mark.parametrize(
    "text",
    [
        section(CUTOVER, "Observability fields"),
        section(RUNTIME, "4. Telemetry of cutover and rollback"),
    ],
    ids=["cutover", "runtime"],
)
def test_every_observability_field_of_the_page_is_logged(text: str) -> None:
    named = set(WORD.findall(text))
    assert len(named) >= 9
    assert named <= log_fields()


def test_no_log_field_is_unknown_to_the_page_but_the_few_that_explain_the_mode() -> None:
    named = set(WORD.findall(section(RUNTIME, "4. Telemetry of cutover and rollback")))
    assert log_fields() - named == {"source", "freshness", "revision", "outcome"}


def test_the_acceptance_criteria_are_all_there() -> None:
    criteria = re.findall(r"^- (AC-\d{3}):", section(CUTOVER, "Acceptance criteria"), re.MULTILINE)
    assert criteria == [f"AC-00{number}" for number in range(1, 8)]
