"""What a person typed into a form, as text by name of the field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

FORM = "application/x-www-form-urlencoded"
FIELDS_AT_MOST = 50

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


Typed = Annotated[Fields, Depends(typed)]
TypedToKeep = Annotated[Fields, Depends(typed_to_keep)]
