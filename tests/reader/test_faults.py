"""What may happen to control.db under a running process, on real files."""

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


def test_companions_removed_under_a_running_process_are_noticed(
    reader: ModeReader, files: DataFiles, clock: MovedClock
) -> None:
    for suffix in ("-wal", "-shm"):
        Path(f"{files.control}{suffix}").unlink()
    with closing(open_connection(files.control)) as other:
        revision = next_revision(other)
        clock.forward(LOOK_EVERY_S)
        answer = reader.effective()
        assert (answer.revision, answer.freshness) == (revision, Freshness.FRESH)
        revision = next_revision(other)
        assert reader.effective().revision == revision


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
