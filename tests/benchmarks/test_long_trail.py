from pathlib import Path

from benchmarks.long_trail import make_trail
from flagctl.store.audit_log import verify_trail
from flagctl.store.files import DataFiles
from flagctl.store.reading import reading


def test_a_trail_made_to_measure_by_is_a_chain_that_holds(tmp_path: Path) -> None:
    files = DataFiles(tmp_path)
    make_trail(files, 120)
    with reading(files) as connection:
        found = verify_trail(connection)
    assert (found.holds, found.events) == (True, 120)
