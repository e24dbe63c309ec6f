"""What the JSON carries is documented, field by field, and is plain."""

import ast
import json
from pathlib import Path

import pytest

from flagctl.present import access, impact, records
from flagctl.present.plain import to_plain
from flagctl.present.trail import audit_record
from flagctl.vocabulary import Action
from tests.present.test_sentence import event


def undocumented(source: str) -> list[str]:
    """The fields of dataclasses that no docstring follows."""
    found = []
    for record in ast.walk(ast.parse(source)):
        if isinstance(record, ast.ClassDef):
            for item, after in zip(record.body, [*record.body[1:], None], strict=True):
                if isinstance(item, ast.AnnAssign) and not isinstance(after, ast.Expr):
                    found.append(f"{record.name}.{ast.unparse(item.target)}")
    return found


@pytest.mark.parametrize("module", [records, access, impact], ids=lambda module: module.__name__)
def test_every_field_says_what_it_is(module: object) -> None:
    path = Path(str(vars(module)["__file__"]))
    assert undocumented(path.read_text()) == []


def test_a_field_without_a_word_is_found() -> None:
    assert undocumented("class A:\n    x: int\n    y: int\n    '''Why.'''\n") == ["A.x"]


def test_a_record_becomes_json_with_times_in_utc() -> None:
    plain = to_plain(audit_record(event(Action.ROLL_BACK, detail={"incident": "INC-42"})))
    assert json.loads(json.dumps(plain)) == plain
    assert plain["at"] == "2026-05-01T12:03:00.000000Z"
    assert plain["detail"] == {"incident": "INC-42"}
