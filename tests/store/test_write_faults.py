"""An act on a store in trouble: each kind is told as itself, and nothing is half written."""

import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest

from flagctl.errors import Code
from flagctl.store import transaction
from flagctl.store.audit_log import AuditFilter, list_events
from flagctl.store.connection import open_connection
from flagctl.store.examine import check
from flagctl.store.files import DataFiles
from flagctl.store.migrate import make_file, upgrade
from flagctl.store.reading import read_state, reading
from flagctl.store.schema import SCHEMA_REVISIONS
from flagctl.store.trouble import StoreTroubleError, Trouble
from flagctl.store.writing import ControlStore
from tests.reader.as_nobody import NOBODY, as_nobody
from tests.store.acts import MovedClock, end_rollback, roll_back
from tests.store.processes import start
from tests.store.tampering import damage

Spoil = Callable[[Path], object]


def run(statement: str) -> Spoil:
    def spoil(path: Path) -> None:
        with closing(open_connection(path)) as connection:
            connection.execute("PRAGMA foreign_keys=OFF")
            connection.execute(statement)

    return spoil


def become_a_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def become_empty(path: Path) -> None:
    path.unlink()
    with closing(open_connection(path, mode="rwc")) as connection:
        connection.execute("PRAGMA journal_mode=WAL")


def become_older(path: Path) -> None:
    path.unlink()
    make_file(path, SCHEMA_REVISIONS[0])


SPOILS: dict[str, tuple[Spoil, Trouble]] = {
    "missing": (Path.unlink, Trouble.MISSING),
    "emptied": (lambda path: path.write_bytes(b""), Trouble.EMPTY),
    "without tables": (become_empty, Trouble.EMPTY),
    "no database": (lambda path: path.write_bytes(b"not a database" * 999), Trouble.CORRUPT),
    "damaged": (damage, Trouble.CORRUPT),
    "truncated": (lambda path: path.write_bytes(path.read_bytes()[:20000]), Trouble.CORRUPT),
    "a directory": (become_a_directory, Trouble.NOT_A_FILE),
    "newer": (run("UPDATE alembic_version SET version_num = '9999'"), Trouble.NEWER_SCHEMA),
    "older": (become_older, Trouble.OLDER_SCHEMA),
    "a counter of words": (run("UPDATE control SET revision = 'many'"), Trouble.NONSENSE),
    "no counter": (run("DELETE FROM control"), Trouble.NONSENSE),
    "an unknown mode": (run("UPDATE flag SET mode = 'sideways'"), Trouble.NONSENSE),
    "a time without a zone": (run("UPDATE flag SET expires_at = '2026-05-01'"), Trouble.NONSENSE),
    "a number beyond all": (run("UPDATE flag SET extensions = 9e999"), Trouble.NONSENSE),
    "no text": (run("UPDATE flag SET owner = CAST(x'ff' AS TEXT)"), Trouble.NONSENSE),
}


@pytest.fixture
def rolled_back(store: ControlStore, files: DataFiles) -> DataFiles:
    """A store with one active rollback, closed and in one file."""
    roll_back(store)
    store.close()
    return files


@pytest.mark.parametrize(("spoil", "trouble"), SPOILS.values(), ids=SPOILS.keys())
def test_an_act_is_refused_with_the_kind_of_trouble_and_writes_nothing(
    store: ControlStore, rolled_back: DataFiles, spoil: Spoil, trouble: Trouble
) -> None:
    control = rolled_back.control
    spoil(control)
    before = control.read_bytes() if control.is_file() else None
    with pytest.raises(StoreTroubleError) as caught:
        end_rollback(store, 1)
    store.close()
    assert caught.value.trouble is trouble
    assert caught.value.code is Code.UNAVAILABLE
    assert str(control) in str(caught.value)
    assert (control.read_bytes() if control.is_file() else None) == before


def test_each_kind_of_trouble_has_words_of_its_own() -> None:
    words = {str(StoreTroubleError(trouble, Path("control.db"))) for trouble in Trouble}
    assert len(words) == len(Trouble)


def test_an_act_goes_on_when_the_trouble_is_mended(
    store: ControlStore, rolled_back: DataFiles
) -> None:
    content = rolled_back.control.read_bytes()
    rolled_back.control.write_bytes(b"not a database" * 999)
    with pytest.raises(StoreTroubleError):
        end_rollback(store, 1)
    rolled_back.control.write_bytes(content)
    assert end_rollback(store, 1).revision == 2


def test_a_lock_that_is_held_beyond_the_busy_timeout_is_told(
    store: ControlStore, files: DataFiles
) -> None:
    with closing(open_connection(files.control)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreTroubleError, match="locked by another process") as caught:
            roll_back(store)
        other.execute("ROLLBACK")
    assert caught.value.trouble is Trouble.LOCKED
    assert roll_back(store).event.id == 1


def require_untouched(files: DataFiles) -> None:
    with reading(files) as connection:
        assert read_state(connection).revision == 1
        assert len(list(list_events(connection, AuditFilter()))) == 1
    assert check(files).is_whole


@pytest.mark.parametrize("pages_more", [0, 1, 2])
def test_a_full_disk_is_told_and_leaves_no_half(
    store: ControlStore,
    rolled_back: DataFiles,
    monkeypatch: pytest.MonkeyPatch,
    pages_more: int,
) -> None:
    """SQLite's own bound on pages ends as a full disk does, and needs no small disk."""

    def open_bounded(path: Path, **options: object) -> sqlite3.Connection:
        connection = open_connection(path, **options)  # type: ignore[arg-type]
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={pages + pages_more}")
        return connection

    monkeypatch.setattr(transaction, "open_connection", open_bounded)

    def act_for_long() -> None:
        for _ in range(200):
            roll_back(store, why="x" * 400)

    with pytest.raises(StoreTroubleError, match=r"disk under .* is full") as caught:
        act_for_long()
    store.close()
    assert caught.value.trouble is Trouble.FULL
    with reading(rolled_back) as connection:
        assert read_state(connection).revision == 1
    assert check(rolled_back).is_whole
    monkeypatch.undo()
    assert end_rollback(store, 1).revision == 2


ACTS_WITHOUT_ROOM = """
import resource, sys
from pathlib import Path
from flagctl.store.files import DataFiles
from flagctl.store.trouble import StoreTroubleError
from flagctl.store.writing import ControlStore
from tests.store.acts import MovedClock, end_rollback, roll_back
store = ControlStore(DataFiles(Path(sys.argv[1])), MovedClock())
with store.transaction() as at:
    at.state()
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
try:
    end_rollback(store, 1)
except StoreTroubleError as error:
    print(error.trouble)
"""


@pytest.mark.parametrize("room", [0, 100, 4096, 9000])
def test_a_write_that_is_cut_off_anywhere_is_told_and_leaves_no_half(
    rolled_back: DataFiles, room: int
) -> None:
    with ExitStack() as stack:
        process = start(ACTS_WITHOUT_ROOM, str(rolled_back.directory), str(room), stack=stack)
        assert process.communicate()[0] == "io\n"
    require_untouched(rolled_back)


@pytest.fixture
def for_nobody(new_control_db: bytes) -> Iterator[DataFiles]:
    """A data directory of somebody without root's powers; pytest's own are closed to them."""
    directory = Path(tempfile.mkdtemp())
    files = DataFiles(directory / "data")
    directory.chmod(0o755)
    files.directory.mkdir()
    files.control.write_bytes(new_control_db)
    store = ControlStore(files, MovedClock())
    roll_back(store)
    store.close()
    give_to_nobody(files.directory, files.control)
    yield files
    files.directory.chmod(0o700)
    shutil.rmtree(directory)


def give_to_nobody(*paths: Path) -> None:
    """As another user than root this does nothing: permissions bind that one as well."""
    for path in paths:
        with suppress(PermissionError):
            shutil.chown(path, NOBODY, NOBODY)


def trouble_as_nobody(files: DataFiles, change: Callable[[], object]) -> Trouble:
    def work() -> Trouble:
        change()
        store = ControlStore(files, MovedClock())
        try:
            end_rollback(store, 1)
        except StoreTroubleError as error:
            return error.trouble
        raise AssertionError("it was written")

    return as_nobody(work)


def test_a_file_that_may_not_be_written_is_told(for_nobody: DataFiles) -> None:
    found = trouble_as_nobody(for_nobody, lambda: for_nobody.control.chmod(0o440))
    assert found is Trouble.READ_ONLY
    require_untouched(for_nobody)


def test_a_file_that_may_not_be_opened_is_told(for_nobody: DataFiles) -> None:
    found = trouble_as_nobody(for_nobody, lambda: for_nobody.control.chmod(0o000))
    assert found is Trouble.NO_PERMISSION


def test_a_directory_that_may_not_be_searched_is_told(for_nobody: DataFiles) -> None:
    found = trouble_as_nobody(for_nobody, lambda: for_nobody.directory.chmod(0o000))
    assert found is Trouble.NO_PERMISSION


def test_a_start_in_a_directory_that_may_not_be_written_is_told(for_nobody: DataFiles) -> None:
    def work() -> str:
        for_nobody.control.unlink()
        for_nobody.directory.chmod(0o500)
        try:
            upgrade(for_nobody)
        except StoreTroubleError as error:
            return error.trouble
        raise AssertionError("it was made")

    assert as_nobody(work) == Trouble.NO_PERMISSION
