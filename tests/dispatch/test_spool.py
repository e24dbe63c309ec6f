"""The spool directory: full, unwritable, or left in disorder by a crash."""

import asyncio
import os
import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from flagctl.dispatch.ports import InDoubtError, NotSentError
from flagctl.dispatch.spool import SpoolDispatcher
from flagctl.domain.submission import Order
from tests.dispatch.orders import order


def put(directory: Path, *orders: Order, max_files: int = 10) -> None:
    async def dispatch() -> None:
        spool = SpoolDispatcher(directory, max_files)
        try:
            for each in orders:
                await spool.dispatch(each)
        finally:
            await spool.close()

    asyncio.run(dispatch())


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_a_full_spool_takes_nothing_more(tmp_path: Path) -> None:
    with pytest.raises(NotSentError, match="2 files wait"):
        put(tmp_path, order("1"), order("2"), order("3"), max_files=2)
    assert len(names(tmp_path)) == 2


def test_a_full_spool_takes_again_as_soon_as_a_file_is_gone(tmp_path: Path) -> None:
    async def story() -> None:
        spool = SpoolDispatcher(tmp_path, max_files=1)
        first = order("1")
        await spool.dispatch(first)
        with pytest.raises(NotSentError):
            await spool.dispatch(order("2"))
        (tmp_path / f"{first.digest}.json").unlink()
        await spool.dispatch(order("2"))
        await spool.close()

    asyncio.run(story())
    assert names(tmp_path) == [f"{order('2').digest}.json"]


def test_a_full_spool_still_knows_what_lies_in_it(tmp_path: Path) -> None:
    first = order("1")
    put(tmp_path, first, max_files=1)
    put(tmp_path, first, max_files=1)
    assert names(tmp_path) == [f"{first.digest}.json"]


def test_a_spool_that_was_removed_is_made_again(tmp_path: Path) -> None:
    directory = tmp_path / "spool"

    async def story() -> None:
        spool = SpoolDispatcher(directory, max_files=10)
        await spool.dispatch(order("1"))
        shutil.rmtree(directory)
        with pytest.raises(NotSentError):
            await spool.dispatch(order("2"))
        await spool.dispatch(order("2"))
        await spool.close()

    asyncio.run(story())
    assert names(directory) == [f"{order('2').digest}.json"]


def test_a_file_that_cannot_be_read_leaves_the_order_in_doubt(tmp_path: Path) -> None:
    sent = order()
    (tmp_path / f"{sent.digest}.json").mkdir()
    with pytest.raises(InDoubtError, match="can't be read"):
        put(tmp_path, sent)


@contextmanager
def files_no_larger_than(size_bytes: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_write_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    with files_no_larger_than(100), pytest.raises(NotSentError, match="full"):
        put(tmp_path, order())
    assert not names(tmp_path)


def test_a_file_in_the_place_of_the_spool_is_told(tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    spool.touch()
    with pytest.raises(NotSentError, match="can't be written"):
        put(spool, order())


def test_another_submission_under_the_same_digest_is_not_overwritten(tmp_path: Path) -> None:
    first, second = order(), order()
    put(tmp_path, first)
    with pytest.raises(NotSentError, match=first.submission_id):
        put(tmp_path, second)
    (path,) = tmp_path.iterdir()
    assert path.read_text() == first.document()


@pytest.mark.parametrize("content", ["", "{", "[]", "null"])
def test_a_file_that_is_no_order_is_not_taken_for_one(tmp_path: Path, content: str) -> None:
    sent = order()
    path = tmp_path / f"{sent.digest}.json"
    path.write_text(content)
    with pytest.raises(NotSentError, match="can't be read"):
        put(tmp_path, sent)


def test_what_a_killed_process_left_half_written_is_cleared_away(tmp_path: Path) -> None:
    stale, fresh = tmp_path / ".stale", tmp_path / ".fresh"
    stale.touch()
    fresh.touch()
    os.utime(stale, (0, 0))
    sent = order()
    put(tmp_path, sent)
    assert names(tmp_path) == [".fresh", f"{sent.digest}.json"]


def test_the_group_may_take_files(tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    put(spool, order())
    (path,) = spool.iterdir()
    assert (path.stat().st_mode & 0o777, spool.stat().st_mode & 0o7777) == (0o660, 0o2770)
