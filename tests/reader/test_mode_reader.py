import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import structlog
from structlog.typing import EventDict

from flagctl.store.files import DataFiles
from flagctl.store.mode_reader import LOOK_EVERY_S, ModeReader
from flagctl.vocabulary import EMERGENCY_MODE, FlagKind, Freshness, Mode, Source
from tests.reader.conftest import MovedClock, Opener
from tests.reader.control import end_flag, next_revision, raise_flag
from tests.reader.other_process import other_process


def test_an_empty_store_gives_the_default(open_reader: Opener) -> None:
    answer = open_reader().effective()
    assert (answer.mode, answer.source) == (Mode.STUB_POLICY, Source.DEFAULT)
    assert (answer.freshness, answer.revision) == (Freshness.FRESH, 0)


def test_the_very_next_answer_follows_a_commit(
    open_reader: Opener, writer: sqlite3.Connection
) -> None:
    reader = open_reader()
    raise_flag(writer, FlagKind.CUTOVER, Mode.REAL_POLICY)
    assert reader.effective().mode is Mode.REAL_POLICY
    raise_flag(writer, FlagKind.ROLLBACK, Mode.PASSTHROUGH)
    assert reader.effective().mode is Mode.PASSTHROUGH
    end_flag(writer, FlagKind.ROLLBACK)
    answer = reader.effective()
    assert (answer.mode, answer.revision) == (Mode.REAL_POLICY, 3)


def test_a_pin_takes_the_place_of_the_cutover_flag_only(
    open_reader: Opener, writer: sqlite3.Connection
) -> None:
    reader = open_reader(Mode.REAL_POLICY)
    assert reader.effective().source is Source.ENV
    raise_flag(writer, FlagKind.ROLLBACK, Mode.STUB_POLICY)
    answer = reader.effective()
    assert (answer.mode, answer.configured) == (Mode.STUB_POLICY, Mode.REAL_POLICY)


FLIP = """
import sys
from pathlib import Path
from flagctl.store.connection import open_connection
from flagctl.vocabulary import FlagKind, Mode
from tests.reader.other_process import other_process
from tests.reader.control import raise_flag
connection = open_connection(Path(sys.argv[1]))
for line in sys.stdin:
    print(raise_flag(connection, FlagKind.CUTOVER, Mode(line.strip())), flush=True)
"""


def test_a_commit_of_another_process_is_in_the_very_next_answer(
    open_reader: Opener, files: DataFiles
) -> None:
    reader = open_reader()
    with subprocess.Popen(
        [sys.executable, "-c", FLIP, str(files.control)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for mode in [*Mode, *Mode] * 20:
            print(mode, file=process.stdin, flush=True)
            revision = int(process.stdout.readline())
            answer = reader.effective()
            assert (answer.mode, answer.revision) == (mode, revision)
        process.stdin.close()


def test_a_break_glass_file_lowers_within_50_ms(
    open_reader: Opener, files: DataFiles, writer: sqlite3.Connection, clock: MovedClock
) -> None:
    raise_flag(writer, FlagKind.CUTOVER, Mode.REAL_POLICY)
    reader = open_reader()
    assert reader.effective().mode is Mode.REAL_POLICY
    files.break_glass.touch()
    clock.forward(LOOK_EVERY_S)
    answer = reader.read()
    assert (answer.effective.mode, answer.effective.source) == (EMERGENCY_MODE, Source.BREAK_GLASS)
    assert answer.break_glass is not None
    assert LOOK_EVERY_S <= 0.05


def test_a_break_glass_file_never_raises(
    open_reader: Opener, files: DataFiles, writer: sqlite3.Connection, clock: MovedClock
) -> None:
    raise_flag(writer, FlagKind.ROLLBACK, Mode.PASSTHROUGH)
    reader = open_reader()
    files.break_glass.write_text(Mode.STUB_POLICY)
    clock.forward(LOOK_EVERY_S)
    answer = reader.effective()
    assert (answer.mode, answer.source) == (Mode.PASSTHROUGH, Source.ROLLBACK_FLAG)


def test_the_mode_comes_back_when_the_break_glass_file_goes(
    open_reader: Opener, files: DataFiles, writer: sqlite3.Connection, clock: MovedClock
) -> None:
    raise_flag(writer, FlagKind.CUTOVER, Mode.REAL_POLICY)
    files.break_glass.touch()
    reader = open_reader()
    assert reader.effective().mode is EMERGENCY_MODE
    files.break_glass.unlink()
    clock.forward(LOOK_EVERY_S)
    assert reader.effective().mode is Mode.REAL_POLICY
    assert reader.read().break_glass is None


def test_between_looks_the_directory_is_left_alone(
    open_reader: Opener, files: DataFiles, clock: MovedClock
) -> None:
    reader = open_reader()
    files.break_glass.touch()
    clock.forward(LOOK_EVERY_S * 0.9)
    assert reader.read().break_glass is None


def test_revoked_and_new_runtime_tokens_are_in_the_next_answer(
    open_reader: Opener, writer: sqlite3.Connection
) -> None:
    reader = open_reader()
    writer.execute(
        "INSERT INTO token (name, secret_hash, tenant_id, issued_by, issued_at)"
        " VALUES ('ci', 'abc', 't1', 'os:anna', '2026-05-01T12:00:00.000000Z')"
    )
    scopes = reader.read().scopes
    assert scopes is not None
    assert scopes["abc"].tenant_id == "t1"
    writer.execute("UPDATE token SET revoked_at = issued_at")
    assert reader.read().scopes == {}


def test_threads_share_one_reader(open_reader: Opener, writer: sqlite3.Connection) -> None:
    reader = open_reader()

    def follow() -> None:
        last = 0
        while last < 200:
            revision = reader.effective().revision
            assert revision is not None
            assert revision >= last
            last = revision

    with ThreadPoolExecutor(4) as pool:
        threads = [pool.submit(follow) for _ in range(4)]
        for _ in range(200):
            next_revision(writer)
        for thread in threads:
            thread.result()


@contextmanager
def forked(work: Callable[[], int]) -> Iterator[Callable[[], int]]:
    """Fork a child that does its work when told; the call given tells it and returns its result."""
    (to_child, from_parent), (to_parent, from_child) = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        try:
            while os.read(to_child, 1) == b"x":
                os.write(from_child, bytes([work()]))
        finally:
            os._exit(0)

    def ask() -> int:
        os.write(from_parent, b"x")
        return os.read(to_parent, 1)[0]

    try:
        yield ask
    finally:
        os.write(from_parent, b".")
        os.waitpid(child, 0)
        for descriptor in (to_child, from_parent, to_parent, from_child):
            os.close(descriptor)


COMMIT = "print(next_revision(connection), flush=True)"


def commit_elsewhere(files: DataFiles) -> int:
    """Commit in a process that opens the file, and closes it before this returns."""
    with other_process(files, f"{COMMIT}\nconnection.close()") as process:
        return int(process.communicate()[0])


def test_a_forked_child_follows_and_the_parent_too(open_reader: Opener, files: DataFiles) -> None:
    reader = open_reader()
    assert reader.effective().revision == 0
    with forked(lambda: reader.effective().revision or 0) as ask:
        for revision in (1, 2, 3):
            assert commit_elsewhere(files) == revision
            assert reader.effective().revision == revision
            assert ask() == revision


def test_a_forked_child_holds_locks_of_its_own(open_reader: Opener, files: DataFiles) -> None:
    """Else the last writer that goes would take the WAL away under the child."""
    reader = open_reader()
    with forked(lambda: reader.effective().revision or 0) as ask:
        assert ask() == 0
        reader.close()
        assert commit_elsewhere(files) == 1
        assert Path(f"{files.control}-shm").exists()
        assert ask() == 1


def test_answers_are_counted_by_freshness(
    open_reader: Opener, files: DataFiles, clock: MovedClock
) -> None:
    reader = open_reader()
    reader.read()
    reader.read()
    files.control.unlink()
    clock.forward(LOOK_EVERY_S)
    reader.read()
    assert reader.answers[Freshness.FRESH] == 2
    assert reader.answers[Freshness.LAST_KNOWN_GOOD] == 1


def test_a_log_handler_may_ask_for_the_mode_while_trouble_is_logged(
    reader: ModeReader, files: DataFiles, clock: MovedClock
) -> None:
    def with_the_mode(_log: object, _name: str, event: EventDict) -> EventDict:
        return {**event, "mode": reader.effective().mode}

    with structlog.testing.capture_logs(processors=[with_the_mode]) as told:
        files.control.unlink()
        clock.forward(LOOK_EVERY_S)
        reader.read()
    assert [line["mode"] for line in told] == [Mode.REAL_POLICY]
