"""The OpenAPI document: the same bytes in every mode."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from flagctl.runtime.problems import Problem
from flagctl.runtime.schemas import SubmitJobCommand

TITLE: Final = "Job submission runtime"
API_VERSION: Final = "1"
"""Of the interface, not of this program: a release alone changes no byte of the document."""

_REF_TEMPLATE: Final = "#/components/schemas/{model}"


def document(app: FastAPI) -> Callable[[], dict[str, Any]]:
    """Return what makes the app's document, with the models that its routes read by hand."""

    def build() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _build(app)
        return app.openapi_schema

    return build


def _build(app: FastAPI) -> dict[str, Any]:
    schema = get_openapi(title=app.title, version=app.version, routes=app.routes)
    _, models = models_json_schema(
        [(SubmitJobCommand, "validation"), (Problem, "serialization")],
        ref_template=_REF_TEMPLATE,
    )
    components = schema.setdefault("components", {})
    components.setdefault("schemas", {}).update(models["$defs"])
    components["securitySchemes"] = {"runtime_token": {"type": "http", "scheme": "bearer"}}
    return schema
