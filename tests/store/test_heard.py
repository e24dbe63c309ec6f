"""When processes were heard of, as their files say."""

from pathlib import Path

import pytest

from flagctl.store.files import DataFiles
from flagctl.store.heard import heard_of
from flagctl.store.heard_files import HeardFiles
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
        heard.begin("a", at.timestamp())
        (found,) = heard_of(files)
        assert found.heard_at == max(said.heard_at, at)


def test_a_file_of_nobody_is_no_process(files: DataFiles) -> None:
    HeardFiles(files.heard).begin("nobody", NOON.timestamp())
    (files.heard / "a directory").mkdir()
    ProcessRegistry(files).beat(report("a"))
    assert [each.id for each in heard_of(files)] == ["a"]
