"""Begins a rollback in the past, so that it has expired by now."""

from datetime import UTC, datetime, timedelta

from flagctl.domain.change import Actor, RollBack
from flagctl.domain.gate import Facts
from flagctl.settings import load_settings
from flagctl.store.files import DataFiles
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Door, Mode, Role


def main() -> None:
    begun = datetime.now(UTC) - timedelta(hours=5)
    ControlStore(DataFiles(load_settings().data_dir), clock=lambda: begun).apply(
        RollBack(Mode.PASSTHROUGH, "drill"), Actor("os:drill", Role.ADMIN, Door.CLI), Facts()
    )


if __name__ == "__main__":
    main()
