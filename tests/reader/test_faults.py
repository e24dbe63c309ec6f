"""What may happen to control.db under a running process, on real files."""

import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from flagctl.store.connection import open_connection
from flagctl.store.files import DataFiles
from flagctl.store.follower import Follower
from flagctl.store.mode_reader import LOOK_EVERY_S, RETRY_AT_MOST_S, ModeReader
from flagctl.store.trouble import Trouble
from flagctl.vocabulary import EMERGENCY_MODE, Freshness, Mode, ModeSignal
from tests.reader.conftest import MovedClock, Opener
from tests.reader.control import next_revision
from tests.reader.damage import TROUBLES, Damage, replaced_by, statement, vanish, write_over
from tests.reader.other_process import other_process


@pytest.mark.parametrize(("damage", "trouble"), TROUBLES.values(), ids=TROUBLES.keys())
def test_a_running_process_keeps_what_it_last_knew_and_says_so(
    reader: ModeReader, files: DataFiles, clock: MovedClock, damage: Damage, trouble: Trouble
) -> None:
    before = reader.read()
    damage(files)
    clock.forward(LOOK_EVERY_S)
    answer = reader.read()
    assert answer.effective.freshness is Freshness.LAST_KNOWN_GOOD
    assert answer.effective.mode is Mode.REAL_POLICY
    assert answer.trouble is not None
    assert answer.trouble.trouble is trouble
    assert (answer.state, answer.scopes) == (before.state, before.scopes)


@pytest.mark.parametrize(("damage", "trouble"), TROUBLES.values(), ids=TROUBLES.keys())
def test_a_process_that_starts_then_takes_the_safe_rule(
    reader: ModeReader, files: DataFiles, open_reader: Opener, damage: Damage, trouble: Trouble
) -> None:
    reader.close()
    damage(files)
    answer = open_reader(Mode.REAL_POLICY).read()
    assert answer.effective.freshness is Freshness.NO_STORE
    assert answer.effective.mode is Mode.STUB_POLICY
    assert answer.effective.revision is None
    assert (answer.state, answer.scopes) == (None, None)
    assert answer.trouble is not None
    assert answer.trouble.trouble is trouble


@pytest.mark.parametrize("damage", [each for each, _ in TROUBLES.values()], ids=TROUBLES.keys())
def test_it_recovers_by_itself_when_a_good_file_is_put_there(
    reader: ModeReader, files: DataFiles, clock: MovedClock, made_once: bytes, damage: Damage
) -> None:
    damage(files)
    clock.forward(LOOK_EVERY_S)
    assert reader.read().trouble is not None
    vanish(files)
    files.directory.mkdir(exist_ok=True)
    files.control.write_bytes(made_once)
    clock.forward(LOOK_EVERY_S)
    answer = reader.read()
    assert answer.trouble is None
    assert answer.effective.freshness is Freshness.FRESH
    assert (answer.effective.mode, answer.effective.revision) == (Mode.STUB_POLICY, 0)


def test_a_row_that_is_mended_is_used_within_a_second(
    reader: ModeReader, files: DataFiles, clock: MovedClock
) -> None:
    statement("UPDATE flag SET mode = 'warp'")(files)
    for _ in range(100):
        assert reader.read().effective.freshness is Freshness.LAST_KNOWN_GOOD
        clock.forward(LOOK_EVERY_S)
    statement("UPDATE flag SET mode = 'passthrough'")(files)
    clock.forward(RETRY_AT_MOST_S)
    answer = reader.effective()
    assert (answer.mode, answer.freshness) == (Mode.PASSTHROUGH, Freshness.FRESH)


def test_break_glass_lowers_with_the_store_in_trouble(
    reader: ModeReader, files: DataFiles, clock: MovedClock
) -> None:
    write_over(files.control, 0, b"\xff" * 100)
    files.break_glass.touch()
    clock.forward(LOOK_EVERY_S)
    answer = reader.read()
    assert answer.trouble is not None
    assert answer.effective.mode is EMERGENCY_MODE


def test_break_glass_lowers_a_process_that_never_read_the_store(
    files: DataFiles, open_reader: Opener
) -> None:
    files.control.unlink()
    files.break_glass.touch()
    assert open_reader(Mode.REAL_POLICY).effective().mode is EMERGENCY_MODE


def test_removing_break_glass_does_not_raise_while_nobody_can_record_it(
    reader: ModeReader, files: DataFiles, clock: MovedClock, made_once: bytes
) -> None:
    files.break_glass.touch()
    files.control.unlink()
    clock.forward(LOOK_EVERY_S)
    assert reader.effective().mode is EMERGENCY_MODE
    files.break_glass.unlink()
    clock.forward(LOOK_EVERY_S)
    assert reader.effective().mode is EMERGENCY_MODE
    vanish(files)
    files.control.write_bytes(made_once)
    for _ in range(2):
        clock.forward(LOOK_EVERY_S)
        reader.read()
    assert reader.effective().mode is Mode.STUB_POLICY


def test_trouble_is_logged_once_and_its_end_too(
    reader: ModeReader, files: DataFiles, clock: MovedClock, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = files.directory / "kept"
    files.control.rename(kept)
    for _ in range(50):
        clock.forward(LOOK_EVERY_S)
        reader.read()
    kept.rename(files.control)
    for _ in range(50):
        clock.forward(LOOK_EVERY_S)
        reader.read()
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if "store_trouble" in line][0:1] == lines[0:1]
    assert len(lines) == 2
    assert "store_readable_again" in lines[1]


def test_a_store_in_trouble_is_tried_less_and_less_often(
    reader: ModeReader, files: DataFiles, clock: MovedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts = []

    class CountedFollower(Follower):
        def __init__(self, path: Path, busy_timeout_s: float, wanted: ModeSignal) -> None:
            attempts.append(clock())
            super().__init__(path, busy_timeout_s, wanted)

    write_over(files.control, 0, b"\xff" * 100)
    clock.forward(LOOK_EVERY_S)
    reader.read()
    monkeypatch.setattr("flagctl.store.mode_reader.Follower", CountedFollower)
    for _ in range(200):
        clock.forward(LOOK_EVERY_S)
        reader.read()
    assert 9 <= len(attempts) <= 15


def test_a_file_that_appears_is_read_at_the_next_look(
    tmp_path: Path, clock: MovedClock, made_once: bytes, signal: ModeSignal
) -> None:
    files = DataFiles(tmp_path / "later")
    reader = ModeReader(files.directory, signal=signal, monotonic=clock)
    for _ in range(100):
        clock.forward(LOOK_EVERY_S)
        assert reader.effective().freshness is Freshness.NO_STORE
    files.directory.mkdir()
    files.control.write_bytes(made_once)
    clock.forward(LOOK_EVERY_S)
    assert reader.effective().freshness is Freshness.FRESH
    reader.close()


def test_a_database_renamed_over_the_old_one_is_followed(
    reader: ModeReader, files: DataFiles, clock: MovedClock, made_once: bytes
) -> None:
    replaced_by(made_once)(files)
    clock.forward(LOOK_EVERY_S)
    answer = reader.effective()
    assert (answer.revision, answer.freshness) == (0, Freshness.FRESH)
    with closing(open_connection(files.control)) as other:
        next_revision(other)
    assert reader.effective().revision == 1


def test_a_restore_through_the_backup_api_is_in_the_very_next_answer(
    reader: ModeReader, files: DataFiles, tmp_path: Path, made_once: bytes
) -> None:
    backup = tmp_path / "backup.db"
    backup.write_bytes(made_once)
    with closing(open_connection(backup)) as source, closing(open_connection(files.control)) as to:
        source.backup(to)
    answer = reader.effective()
    assert (answer.mode, answer.revision) == (Mode.STUB_POLICY, 0)
    assert answer.freshness is Freshness.FRESH


REMOVALS = (("-wal", "-shm"), ("-shm",), ("-wal",))


@pytest.mark.parametrize("removed", REMOVALS, ids=" ".join)
def test_companions_removed_under_a_running_process_never_make_it_stale_and_fresh(
    reader: ModeReader, files: DataFiles, clock: MovedClock, removed: tuple[str, ...]
) -> None:
    for suffix in removed:
        Path(f"{files.control}{suffix}").unlink()
    with other_process(files, COMMIT_WHEN_TOLD) as process:
        for _ in range(3):
            revision = commit(process)
            clock.forward(LOOK_EVERY_S)
            answer = reader.effective()
            assert answer.revision == revision or answer.freshness is Freshness.LAST_KNOWN_GOOD
    vanish_companions(files)
    clock.forward(RETRY_AT_MOST_S)
    assert reader.effective().freshness is Freshness.FRESH


def test_both_companions_removed_are_made_anew_and_followed(
    reader: ModeReader, files: DataFiles, clock: MovedClock
) -> None:
    vanish_companions(files)
    with other_process(files, COMMIT_WHEN_TOLD) as process:
        revision = commit(process)
        clock.forward(LOOK_EVERY_S)
        assert reader.effective().revision == revision
        for _ in range(3):
            revision = commit(process)
            answer = reader.effective()
            assert (answer.revision, answer.freshness) == (revision, Freshness.FRESH)


def test_a_connection_of_the_same_process_that_holds_on_to_the_old_ones_is_told_of(
    reader: ModeReader, files: DataFiles, clock: MovedClock
) -> None:
    """SQLite shares one WAL index among the connections of a process: the reader gets the old."""
    with closing(open_connection(files.control)) as old:
        old.execute("SELECT * FROM control").fetchall()
        vanish_companions(files)
        with other_process(files, COMMIT_WHEN_TOLD) as process:
            commit(process)
            clock.forward(LOOK_EVERY_S)
            answer = reader.read()
            assert answer.effective.freshness is Freshness.LAST_KNOWN_GOOD
            assert answer.trouble is not None
            assert answer.trouble.trouble is Trouble.WAL_REMOVED
            old.close()
            revision = commit(process)
            clock.forward(RETRY_AT_MOST_S)
            answer = reader.read()
            assert answer.effective.revision == revision
            assert answer.effective.freshness is Freshness.FRESH


COMMIT_WHEN_TOLD = """
for line in sys.stdin:
    print(next_revision(connection), flush=True)
"""


def commit(process: subprocess.Popen[str]) -> int:
    assert process.stdin is not None
    assert process.stdout is not None
    print(file=process.stdin, flush=True)
    return int(process.stdout.readline())


def vanish_companions(files: DataFiles) -> None:
    for suffix in ("-wal", "-shm"):
        Path(f"{files.control}{suffix}").unlink(missing_ok=True)


def test_a_file_copied_over_the_main_file_is_noticed(
    reader: ModeReader, files: DataFiles, clock: MovedClock, made_once: bytes
) -> None:
    files.control.write_bytes(made_once)
    clock.forward(LOOK_EVERY_S)
    assert reader.effective().revision == 0


def test_a_mistake_in_the_reading_code_fails_no_request_either(
    reader: ModeReader, files: DataFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mistaken(_connection: object) -> object:
        raise AttributeError("no such thing")

    monkeypatch.setattr("flagctl.store.follower.read_snapshot", mistaken)
    with closing(open_connection(files.control)) as other:
        next_revision(other)
    answer = reader.read()
    assert answer.effective.freshness is Freshness.LAST_KNOWN_GOOD
    assert "no such thing" in str(answer.trouble)
