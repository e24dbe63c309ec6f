"""`docs/contract/runtime-contracts.md` and the runtime say the same; it fails when either moves."""

import re
from typing import get_args

import pytest
from pydantic import BaseModel

from flagctl.runtime.events import ExecutionEvent, ProjectionUpdate
from flagctl.runtime.jobs import LOGGED_IDS
from flagctl.runtime.problems import STATUS, ProblemCode
from flagctl.runtime.schemas import SubmissionAccepted, SubmitJobCommand
from tests.contract.test_lockstep import RUNTIME, WORD, section

MANY_LINES = re.MULTILINE | re.DOTALL
SUBMIT = section(RUNTIME, "2. SubmitJobCommand")
HELD_STILL = section(RUNTIME, "3. ExecutionEvent and ProjectionUpdate")

# Beyond the contract's table: requests that never were a submission, and our own faults.
OURS = {
    ProblemCode.NOT_FOUND,
    ProblemCode.METHOD_NOT_ALLOWED,
    ProblemCode.INTERNAL,
}


def leaves(model: type[BaseModel], *, required: bool) -> set[str]:
    """Dotted names of the fields that must, or may, be given; those inside objects included."""
    found = set()
    for name, field in model.model_fields.items():
        inner = next(
            (each for each in (field.annotation, *get_args(field.annotation)) if is_model(each)),
            None,
        )
        if inner is not None:
            found |= {f"{name}.{leaf}" for leaf in leaves(inner, required=required)}
        elif field.is_required() is required:
            found.add(name)
    return found


def is_model(annotation: object) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def named_after(text: str, word: str) -> set[str]:
    """The names in the lines that begin with a word; `.x` is a field of the object before it."""
    paragraph = re.search(rf"^{word}(.*?)(?=^[A-Z\n]|\Z)", text, MANY_LINES)
    assert paragraph, f"the page says nothing of {word!r}"
    names, outer = set(), ""
    for found in re.findall(r"`(\.?[a-z_]+(?:\.[a-z_]+)?)`", paragraph[1]):
        outer = found.partition(".")[0] or outer
        names.add(f"{outer}{found}" if found.startswith(".") else found)
    return names


def test_the_commands_required_fields_are_those_of_the_page() -> None:
    assert leaves(SubmitJobCommand, required=True) == named_after(SUBMIT, "Required:")


def test_the_commands_optional_fields_are_those_of_the_page() -> None:
    assert leaves(SubmitJobCommand, required=False) == named_after(SUBMIT, "Optional:")


def test_the_answers_fields_are_those_of_the_page() -> None:
    line = next(line for line in SUBMIT.splitlines() if line.startswith("`202 Accepted`"))
    without_remarks = re.sub(r"\([^)]*\)", "", line)
    assert WORD.findall(without_remarks)[1:] == list(SubmissionAccepted.model_fields)


def test_every_error_has_the_status_and_the_code_of_the_page() -> None:
    rows = re.findall(r"^\| (\d{3}) \| `(\w+)`", SUBMIT, re.MULTILINE)
    table = {(int(status), code) for status, code in rows}
    assert table == {(int(STATUS[code]), str(code)) for code in ProblemCode if code not in OURS}


def test_the_logged_ids_are_those_of_the_page() -> None:
    line = next(line for line in SUBMIT.splitlines() if line.startswith("Log fields"))
    assert set(WORD.findall(line)) == {"trace_id", "submission_id", *LOGGED_IDS}


@pytest.mark.parametrize("model", [ExecutionEvent, ProjectionUpdate])
def test_what_is_held_still_has_the_fields_of_the_page(model: type[BaseModel]) -> None:
    paragraph = re.search(
        rf"^{model.__name__}:(.*?)(?:\n\n|\Z)", HELD_STILL, re.MULTILINE | re.DOTALL
    )
    assert paragraph
    named: dict[str, list[str]] = {}
    for name, inside in re.findall(r"`([a-z_]+)(?:\{([^}]*)\})?`", paragraph[1]):
        named[name] = [each.strip(" ?") for each in inside.split(",") if each.strip()]
    assert named == {name: inner_names(model, name) for name in model.model_fields}


def inner_names(model: type[BaseModel], name: str) -> list[str]:
    annotation = model.model_fields[name].annotation
    inner = next((each for each in get_args(annotation) if is_model(each)), None)
    return list(inner.model_fields) if inner else []
