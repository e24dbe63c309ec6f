"""Sets a cutover flag to real-policy, as it is once the checks on Slurm have held."""

from datetime import UTC, datetime, timedelta

from flagctl.domain.change import Actor, CutOver
from flagctl.domain.gate import Facts, SlurmVerdict
from flagctl.settings import load_settings
from flagctl.store.files import DataFiles
from flagctl.store.reading import read_state, reading
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Door, Mode, Role


def main() -> None:
    files, now = DataFiles(load_settings().data_dir), datetime.now(UTC)
    with reading(files) as connection:
        revision = read_state(connection).revision
    ControlStore(files, clock=lambda: now).apply(
        CutOver(Mode.REAL_POLICY, "alice", "drill", now + timedelta(days=30), revision),
        Actor("os:drill", Role.ADMIN, Door.CLI),
        Facts(verdict=SlurmVerdict(holds=True, detail="all hold", taken_at=now)),
    )


if __name__ == "__main__":
    main()
