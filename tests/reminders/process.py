"""One process with a runner, on clock and uptime that stand in a file; prints its name.

Arguments: data directory, clock file, operators' addresses, administrators' addresses.
"""

import sys
from datetime import datetime, timedelta
from pathlib import Path

from flagctl.domain.fields import NOTIFY_SCHEMES
from flagctl.reminders.addresses import AddressBook
from flagctl.reminders.delivering import Tools, new_holder
from flagctl.reminders.message import Place
from flagctl.reminders.post import send
from flagctl.reminders.runner import Runner
from flagctl.store.files import DataFiles
from flagctl.store.uptime import Uptime
from flagctl.store.writing import ControlStore


def main(directory: str, clock_file: str, operators: str, admins: str) -> None:
    def clock() -> datetime:
        return datetime.fromisoformat(Path(clock_file).read_text().split()[0])

    def uptime() -> Uptime:
        passed_s = float(Path(clock_file).read_text().split()[1])
        return Uptime("a-boot", timedelta(seconds=passed_s))

    files = DataFiles(Path(directory))
    tools = Tools(
        files=files,
        store=ControlStore(files, clock),
        book=AddressBook(operators, admins, NOTIFY_SCHEMES | {"json"}),
        place=Place("production", "https://flagctl.example.org"),
        clock=clock,
        send=send,
        holder=new_holder(),
        uptime=uptime,
    )
    Runner(tools, turn_every_s=0.05).start()
    sys.stdout.write(f"{tools.holder}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
