"""One look at a directory tells of every name in it that came, went or changed."""

import os
import time
from pathlib import Path

import pytest

from flagctl.store.identity import TICK_AT_MOST_NS, Entries, Names
from tests.waiting import let_a_tick_pass


def an_hour_later() -> int:
    return time.time_ns() + 3_600_000_000_000


def settled(directory: Path) -> Names:
    """What a look tells that is an hour late."""
    let_a_tick_pass(directory)
    found = Entries(directory, an_hour_later).look()
    assert found is not None
    return found


def test_as_long_as_no_name_changes_every_look_is_the_same(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    before = settled(tmp_path)
    (tmp_path / "a").write_text("more")
    assert Entries(tmp_path, an_hour_later).look() == Entries(tmp_path).now() == before


def test_a_name_that_is_made_renamed_or_removed_shows(tmp_path: Path) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    for change in (a.touch, lambda: a.rename(b), b.unlink, a.mkdir):
        before = settled(tmp_path)
        change()
        assert before not in (Entries(tmp_path).look(), Entries(tmp_path).now())


def test_a_name_that_goes_shows_also_when_the_time_of_the_directory_is_put_back(
    tmp_path: Path,
) -> None:
    """As by what copies a directory back: it keeps the times that were archived."""
    (tmp_path / "a").touch()
    before, times = settled(tmp_path), tmp_path.stat()
    (tmp_path / "a").unlink()
    os.utime(tmp_path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert Entries(tmp_path).now() != before


@pytest.mark.parametrize(
    ("ago_ns", "is_known"),
    [
        (0, False),
        (TICK_AT_MOST_NS - 1, False),
        (TICK_AT_MOST_NS, True),
        (1 - TICK_AT_MOST_NS, False),
        (-TICK_AT_MOST_NS, True),
    ],
)
def test_nobody_can_tell_whether_names_changed_a_moment_ago(
    tmp_path: Path, ago_ns: int, is_known: bool
) -> None:
    now_ns = tmp_path.stat().st_ctime_ns + ago_ns
    assert (Entries(tmp_path, lambda: now_ns).look() is not None) is is_known


def test_nobody_can_tell_of_a_directory_that_is_not_there(tmp_path: Path) -> None:
    assert Entries(tmp_path / "missing").look() is None
    assert Entries(tmp_path / "missing").now() is None


def test_another_directory_of_that_name_shows(tmp_path: Path) -> None:
    place = tmp_path / "data"
    place.mkdir()
    before = settled(place)
    place.rename(tmp_path / "away")
    place.mkdir()
    assert Entries(place, an_hour_later).look() != before
