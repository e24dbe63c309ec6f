"""When processes were heard of, as their files say; and one look at the names of a directory."""

import os
import time
from pathlib import Path

import pytest

from flagctl.store.files import DataFiles
from flagctl.store.heard import heard_of
from flagctl.store.heard_files import HeardFiles
from flagctl.store.identity import Entries
from flagctl.store.runtime_db import ProcessRegistry
from tests.reports import NOON, report


@pytest.fixture
def files(tmp_path: Path) -> DataFiles:
    return DataFiles(tmp_path)


def test_the_later_of_file_and_row_is_when_a_process_was_heard_of(files: DataFiles) -> None:
    said = report("a")
    ProcessRegistry(files).beat(said)
    heard = HeardFiles(files.heard)
    for earlier_s in (3600, 0, -3600):
        at = NOON.fromtimestamp(said.heard_at.timestamp() - earlier_s, NOON.tzinfo)
        heard.begin("a", at)
        (found,) = heard_of(files)
        assert found.heard_at == max(said.heard_at, at)


def test_a_file_of_nobody_is_no_process(files: DataFiles) -> None:
    HeardFiles(files.heard).begin("nobody", NOON)
    (files.heard / "a directory").mkdir()
    ProcessRegistry(files).beat(report("a"))
    assert [each.id for each in heard_of(files)] == ["a"]


def test_a_name_that_is_made_renamed_or_removed_shows(tmp_path: Path) -> None:
    entries = Entries(tmp_path)
    a, b = tmp_path / "a", tmp_path / "b"
    for change in (a.touch, lambda: a.rename(b), b.unlink, a.mkdir):
        os.utime(tmp_path, (1, 1))
        before = entries.look()
        assert before is not None
        assert entries.look() == before
        change()
        assert entries.look() != before


def test_nobody_can_tell_whether_names_changed_a_moment_ago(tmp_path: Path) -> None:
    os.utime(tmp_path)
    assert Entries(tmp_path).look() is None
    a_second_ago = time.time() - 1
    os.utime(tmp_path, (a_second_ago, a_second_ago))
    assert Entries(tmp_path).look() is None
    assert Entries(tmp_path / "missing").look() is None


def test_another_directory_of_that_name_shows(tmp_path: Path) -> None:
    place = tmp_path / "data"
    place.mkdir()
    os.utime(place, (1, 1))
    before = Entries(place).look()
    place.rename(tmp_path / "away")
    place.mkdir()
    os.utime(place, (1, 1))
    assert Entries(place).look() != before
