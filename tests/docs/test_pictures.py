"""Pictures of the real pages: each is shown somewhere, with words for whoever does not see it."""

import re
from pathlib import Path

import pytest

from tests.guards.tree import ROOT

PICTURES = ROOT / "docs/pictures"
DOCUMENTS = ("README.md", "docs/runbook.md")
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)]*pictures/[^)]+)\)")


def links(document: str) -> list[tuple[bool, str, Path]]:
    """Every link to a picture: whether it is shown, its words, and the file."""
    path = ROOT / document
    found = LINK.findall(path.read_text(encoding="utf-8"))
    return [(bool(mark), words, (path.parent / target).resolve()) for mark, words, target in found]


def test_every_picture_is_in_a_document_and_every_one_in_a_document_is_there() -> None:
    shown = {path for document in DOCUMENTS for _, _, path in links(document)}
    assert shown == {path.resolve() for path in PICTURES.iterdir()}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_document_shows_pictures_of_both_a_desk_and_a_phone_with_words_for_each(
    document: str,
) -> None:
    assert {path.stem.rpartition("-")[2] for _, _, path in links(document)} == {"desktop", "phone"}
    assert [path for is_shown, words, path in links(document) if is_shown and len(words) < 20] == []


def test_no_picture_is_larger_than_a_page_of_text_needs() -> None:
    assert [path for path in PICTURES.iterdir() if path.stat().st_size > 150_000] == []
