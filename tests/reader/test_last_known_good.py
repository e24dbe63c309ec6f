"""The file by which a process that starts without a readable store may still lower its mode."""

import json
import os
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from flagctl.domain.flag import ControlState
from flagctl.store.files import DataFiles
from flagctl.store.last_known_good import LastKnownGoodFile
from flagctl.store.mode_reader import LOOK_EVERY_S
from flagctl.vocabulary import FlagKind, Freshness, Mode, Source
from tests.reader.conftest import MovedClock, Opener
from tests.reader.control import end_flag, next_revision, raise_flag
from tests.waiting import wait_until


def held_revision(files: DataFiles) -> int:
    return LastKnownGoodFile(files.last_known_good).read().revision


def hold(files: DataFiles, **changes: object) -> None:
    content = {"revision": 7, "cutover": None, "rollback": None} | changes
    files.last_known_good.write_text(json.dumps(content))


def test_a_revision_that_a_request_has_used_is_on_disk_soon_after(
    open_reader: Opener, files: DataFiles, writer: sqlite3.Connection
) -> None:
    reader = open_reader()
    assert not files.last_known_good.exists()
    raise_flag(writer, FlagKind.CUTOVER, Mode.REAL_POLICY)
    revision = raise_flag(writer, FlagKind.ROLLBACK, Mode.PASSTHROUGH)
    reader.read()
    wait_until(lambda: held_revision(files) == revision)
    held = json.loads(files.last_known_good.read_text())
    assert (held["cutover"], held["rollback"]) == (Mode.REAL_POLICY, Mode.PASSTHROUGH)


def test_it_is_never_written_backwards(
    open_reader: Opener, files: DataFiles, writer: sqlite3.Connection
) -> None:
    hold(files, revision=3, rollback=Mode.PASSTHROUGH)
    reader = open_reader()
    for _ in range(3):
        next_revision(writer)
        reader.read()
    reader.suspend()
    reader.resume()
    assert LastKnownGoodFile(files.last_known_good).read().rollback_mode is Mode.PASSTHROUGH
    next_revision(writer)
    reader.read()
    wait_until(lambda: held_revision(files) == 4)
    assert LastKnownGoodFile(files.last_known_good).read().rollback_mode is None


def test_many_processes_that_write_it_at_once_leave_the_newest(files: DataFiles) -> None:
    ends = [LastKnownGoodFile(files.last_known_good) for _ in range(8)]
    for revision in range(1, 40):
        for number, each in enumerate(ends):
            each.keep(ControlState(revision * len(ends) - number))
    for each in ends:
        each.settle(20.0)
    assert held_revision(files) == 39 * 8


def test_a_rollback_is_kept_through_a_cold_start_without_a_store(
    open_reader: Opener, files: DataFiles, writer: sqlite3.Connection
) -> None:
    reader = open_reader()
    raise_flag(writer, FlagKind.ROLLBACK, Mode.PASSTHROUGH)
    reader.read()
    wait_until(lambda: held_revision(files) == 1)
    reader.close()
    writer.close()
    files.control.write_bytes(b"damaged" * 1000)
    answer = open_reader(Mode.REAL_POLICY).effective()
    assert (answer.mode, answer.source) == (Mode.PASSTHROUGH, Source.ROLLBACK_FLAG)
    assert (answer.configured, answer.freshness) == (Mode.REAL_POLICY, Freshness.NO_STORE)
    assert answer.revision is None


Held = dict[str, object]
STARTS: dict[str, tuple[Held, Mode | None, Mode, Source]] = {
    "it never raises to real-policy": (
        {"cutover": Mode.REAL_POLICY},
        None,
        Mode.STUB_POLICY,
        Source.DEFAULT,
    ),
    "nor with a rollback to it": (
        {"rollback": Mode.REAL_POLICY},
        Mode.REAL_POLICY,
        Mode.STUB_POLICY,
        Source.DEFAULT,
    ),
    "nor above a pin": (
        {"cutover": Mode.STUB_POLICY},
        Mode.PASSTHROUGH,
        Mode.PASSTHROUGH,
        Source.ENV,
    ),
    "a low cutover flag lowers": (
        {"cutover": Mode.PASSTHROUGH},
        None,
        Mode.PASSTHROUGH,
        Source.CUTOVER_FLAG,
    ),
    "but not a process that is pinned": (
        {"cutover": Mode.PASSTHROUGH},
        Mode.STUB_POLICY,
        Mode.STUB_POLICY,
        Source.ENV,
    ),
}


@pytest.mark.parametrize(("held", "pin", "mode", "source"), STARTS.values(), ids=STARTS.keys())
def test_a_cold_start_takes_the_safest(
    open_reader: Opener, files: DataFiles, held: Held, pin: Mode | None, mode: Mode, source: Source
) -> None:
    hold(files, **held)
    files.control.unlink()
    answer = open_reader(pin).effective()
    assert (answer.mode, answer.source) == (mode, source)


NONSENSE: dict[str, Callable[[Path], object]] = {
    "nothing": Path.touch,
    "a directory": Path.mkdir,
    "a FIFO": os.mkfifo,
    "no JSON": lambda path: path.write_text("{"),
    "another JSON": lambda path: path.write_text("[1, 2]"),
    "deep JSON": lambda path: path.write_text("[" * 4000),
    "an unknown mode": lambda path: path.write_text(
        '{"revision": 1, "cutover": null, "rollback": "warp"}'
    ),
    "no revision": lambda path: path.write_text('{"cutover": null, "rollback": "passthrough"}'),
    "a megabyte": lambda path: path.write_text(" " * 2**20),
    "bytes that are no text": lambda path: path.write_bytes(b"\xff\xfe{}"),
}


@pytest.mark.parametrize("make", NONSENSE.values(), ids=NONSENSE.keys())
def test_one_that_can_not_be_read_is_as_good_as_none(
    open_reader: Opener, files: DataFiles, make: Callable[[Path], object]
) -> None:
    make(files.last_known_good)
    files.control.unlink()
    answer = open_reader().effective()
    assert (answer.mode, answer.source) == (Mode.STUB_POLICY, Source.DEFAULT)


def test_a_running_process_goes_by_what_it_read_itself(
    open_reader: Opener, files: DataFiles, writer: sqlite3.Connection, clock: MovedClock
) -> None:
    raise_flag(writer, FlagKind.CUTOVER, Mode.REAL_POLICY)
    reader = open_reader()
    hold(files, rollback=Mode.PASSTHROUGH)
    files.control.unlink()
    clock.forward(LOOK_EVERY_S)
    answer = reader.effective()
    assert (answer.mode, answer.freshness) == (Mode.REAL_POLICY, Freshness.LAST_KNOWN_GOOD)


def test_the_store_has_the_last_word_once_it_is_read(
    open_reader: Opener, files: DataFiles, clock: MovedClock, made_once: bytes
) -> None:
    hold(files, rollback=Mode.PASSTHROUGH)
    files.control.unlink()
    reader = open_reader()
    assert reader.effective().mode is Mode.PASSTHROUGH
    files.control.write_bytes(made_once)
    clock.forward(LOOK_EVERY_S)
    assert reader.effective().mode is Mode.STUB_POLICY


def test_one_that_can_not_be_written_is_logged_and_fails_nothing(
    open_reader: Opener,
    files: DataFiles,
    writer: sqlite3.Connection,
    capsys: pytest.CaptureFixture[str],
) -> None:
    files.last_known_good.mkdir()
    reader = open_reader()
    raise_flag(writer, FlagKind.ROLLBACK, Mode.PASSTHROUGH)
    assert reader.effective().freshness is Freshness.FRESH
    reader.suspend()
    reader.resume()
    assert "last_known_good_not_written" in capsys.readouterr().out
    end_flag(writer, FlagKind.ROLLBACK)
    assert reader.effective().mode is Mode.STUB_POLICY


def test_a_process_that_can_start_no_more_threads_answers_all_the_same(
    open_reader: Opener, writer: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    reader = open_reader()
    raise_flag(writer, FlagKind.ROLLBACK, Mode.PASSTHROUGH)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert reader.effective().mode is Mode.PASSTHROUGH
