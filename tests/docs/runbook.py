"""The runbook as a test sees it: its sections, and the commands in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

RUNBOOK = Path(__file__).parents[2] / "docs" / "runbook.md"
_BLOCK = re.compile(
    r"(?:<!-- given: (?P<given>.+?) -->\n)?```(?P<kind>sh[a-z ]*)\n(?P<text>.*?)```", re.DOTALL
)


@dataclass(frozen=True)
class Block:
    """Commands that stand together. `given` is what has to be so before them, as commands."""

    kind: str
    text: str
    given: str


@dataclass(frozen=True)
class Section:
    """One second-level heading with its commands, in order."""

    title: str
    blocks: tuple[Block, ...]


def sections(markdown: str) -> list[Section]:
    """Return the sections that hold commands."""
    parts = re.split(r"^## (.+)$", markdown, flags=re.MULTILINE)
    found = [
        Section(title, tuple(_blocks(body)))
        for title, body in zip(parts[1::2], parts[2::2], strict=True)
    ]
    return [section for section in found if section.blocks]


def _blocks(body: str) -> list[Block]:
    return [
        Block(kind=match["kind"].strip(), text=match["text"], given=match["given"] or "")
        for match in _BLOCK.finditer(body)
    ]
