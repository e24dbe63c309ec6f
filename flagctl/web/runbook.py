"""The runbook, rendered from its one source so that page and file can't differ."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise
from typing import Final

from fastapi import APIRouter
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from flagctl.paths import data_path
from flagctl.web.identity import SignedIn
from flagctl.web.pages import render

COMMENT: Final = re.compile(r"^<!--.*?-->\n", re.MULTILINE | re.DOTALL)
"""What only the runbook's tests read."""

PARAGRAPH: Final = 3
"""Tokens of a paragraph: its begin, what is in it, its end."""

router = APIRouter()


@router.get("/runbook")
def runbook(request: Request, _caller: SignedIn) -> Response:
    """Show the runbook with anchors that other pages lead to."""
    return render(request, "runbook.html", text=rendered())


@cache
def rendered() -> Markup:
    """Return the runbook as HTML."""
    return to_html(data_path("docs/runbook.md").read_text(encoding="utf-8"))


def to_html(text: str) -> Markup:
    """Return Markdown as HTML whose headings have anchors; raw HTML in it stays text."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = list(_without_pictures(markdown.parse(COMMENT.sub("", text))))
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            opening.attrSet("id", anchor(inline))
    # The library escapes what it does not make itself, and raw HTML is off.
    return Markup(markdown.renderer.render(tokens, markdown.options, {}))  # noqa: S704


def _without_pictures(tokens: Sequence[Token]) -> Iterator[Token]:
    """Leave out paragraphs of pictures: whoever reads this page has the real ones before them."""
    left_out = 0
    for token, after in zip(tokens, [*tokens[1:], None], strict=True):
        if token.type == "paragraph_open" and after and _is_of_pictures(after):
            left_out = PARAGRAPH
        if left_out:
            left_out -= 1
        else:
            yield token


def _is_of_pictures(token: Token) -> bool:
    inside = [child for child in token.children or () if child.content.strip()]
    return bool(inside) and all(child.type == "image" for child in inside)


def anchor(heading: Token) -> str:
    """Return the id of a heading, as GitHub makes it."""
    words = re.sub(r"[^\w\- ]", "", heading.content.lower())
    return words.strip().replace(" ", "-")
