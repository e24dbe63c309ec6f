"""A process whose -wal and -shm were removed takes nothing back of what others commit since."""

from pathlib import Path

from flagctl.store.files import DataFiles
from flagctl.store.reading import read_state, reading
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Mode
from tests.reader.other_process import other_process
from tests.store.acts import roll_back

ROLL_BACK_AND_END = """
from tests.reader.control import raise_flag
for _ in range(3):
    next_revision(connection)
print(raise_flag(connection, "rollback", "stub-policy"), flush=True)
sys.stdin.readline()
"""


def remove_wal(files: DataFiles) -> None:
    for suffix in ("-wal", "-shm"):
        Path(f"{files.control}{suffix}").unlink()


def commit_elsewhere(files: DataFiles) -> None:
    """Another process rolls back in a WAL of its own, and is killed."""
    with other_process(files, ROLL_BACK_AND_END) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "4\n"
    process.wait()


def mode_and_revision(files: DataFiles) -> tuple[Mode | None, int]:
    with reading(files) as connection:
        state = read_state(connection)
    return state.rollback_mode, state.revision


def test_what_others_committed_since_stays_when_it_closes(
    store: ControlStore, files: DataFiles
) -> None:
    roll_back(store, Mode.PASSTHROUGH)
    remove_wal(files)
    commit_elsewhere(files)
    store.close()
    assert mode_and_revision(files) == (Mode.STUB_POLICY, 4)
