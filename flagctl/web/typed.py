"""What a person typed into a form, as text by name of the field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from flagctl.errors import InvalidError

FORM = "application/x-www-form-urlencoded"
FIELDS_AT_MOST = 50
DIGITS_AT_MOST = 15

Fields = Mapping[str, str]


async def typed(request: Request) -> Fields:
    """Return the form's fields; anything but a plain form has none."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        return {}
    async with request.form(max_files=0, max_fields=FIELDS_AT_MOST) as form:
        return {name: value for name, value in form.items() if isinstance(value, str)}


async def typed_to_keep(request: Request) -> Fields:
    """Return the fields, which the sign-in page hands back when the session is over meanwhile."""
    found = await typed(request)
    request.state.typed = found
    return found


def number_in(fields: Fields, name: str) -> int | None:
    """Return the number in the field, `None` when it is blank.

    Raises:
        InvalidError: it is none, or longer than any that we give.

    """
    text = fields.get(name, "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= DIGITS_AT_MOST):
        raise InvalidError(f"{name} {text!r} is not a number.", name)
    return int(text)


Typed = Annotated[Fields, Depends(typed)]
TypedToKeep = Annotated[Fields, Depends(typed_to_keep)]
