"""Process 1 inside the cluster's namespaces: starts the daemons, and ends with its standard input.

It runs on the tree's own Python as a script, so it imports nothing but the standard library.
One JSON object a line comes in, one goes out. Whoever started it may be killed by any signal:
its end of the pipe closes, this process ends, and the kernel ends everything in the namespace.
"""

import contextlib
import fcntl
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

START_TIMEOUT_S = 30.0
POLL_S = 0.02
HOSTNAME = "node1"
SLURM_SBIN = Path("/usr/sbin")


class Daemon(NamedTuple):
    """A program that stays, the address at which it answers, and its log."""

    argv: tuple[str, ...]
    address: str | int
    log: str
    user: str = "root"


DAEMONS = {
    "munged": Daemon(
        ("/usr/sbin/munged", "--foreground", "--log-file=/var/log/munge/munged.log"),
        "/run/munge/munge.socket.2",
        "/var/log/munge/munged.log",
        "munge",
    ),
    "mariadbd": Daemon(
        (
            "/usr/sbin/mariadbd",
            "--no-defaults",
            "--user=mysql",
            "--datadir=/var/lib/mysql",
            "--skip-networking",
            "--socket=/run/mysqld/mysqld.sock",
            "--pid-file=/run/mysqld/mysqld.pid",
            "--init-file=/etc/slurm/database.sql",
            "--innodb-buffer-pool-size=64M",
            "--innodb-log-file-size=8M",
            "--innodb-flush-method=fsync",
            "--log-error=/var/log/mysql/error.log",
        ),
        "/run/mysqld/mysqld.sock",
        "/var/log/mysql/error.log",
    ),
    "slurmdbd": Daemon(("slurmdbd", "-D"), 6819, "/var/log/slurm/slurmdbd.log", "slurm"),
    "slurmctld": Daemon(("slurmctld", "-D", "-i"), 6817, "/var/log/slurm/slurmctld.log", "slurm"),
    "slurmd": Daemon(("slurmd", "-D", "-N", HOSTNAME), 6818, "/var/log/slurm/slurmd.log"),
}

FOLDERS = (
    ("/run/munge", "munge", 0o755),
    ("/run/mysqld", "mysql", 0o755),
    ("/var/log/mysql", "mysql", 0o755),
    ("/var/log/slurm", "slurm", 0o755),
    ("/var/lib/slurm", "slurm", 0o755),
    ("/var/lib/slurm/ctld", "slurm", 0o755),
    ("/var/lib/slurm/d", "root", 0o755),
    ("/srv/jobs", "flagctl", 0o755),
)


class Init:
    """Process 1: the parent of every daemon, and the one who reaps all that is orphaned."""

    def __init__(self) -> None:
        self.pids: dict[str, int] = {}

    def reap(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG)[0]) != 0:
                self.pids = {name: pid for name, pid in self.pids.items() if pid != ended}

    def start(self, name: str) -> None:
        daemon = DAEMONS[name]
        if name in self.pids:
            return
        with Path(f"/var/log/{name}.out").open("ab") as output:
            self.pids[name] = subprocess.Popen(
                daemon.argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                user=daemon.user,
                group=daemon.user,
                extra_groups=[],
                start_new_session=True,
            ).pid
        wait_for(lambda: self._answers(name, daemon), f"{name} does not answer: {log_tail(name)}")

    def _answers(self, name: str, daemon: Daemon) -> bool:
        self.reap()
        if name not in self.pids:
            raise RuntimeError(f"{name} ended at once: {log_tail(name)}")
        return accepts(daemon.address)

    def signal(self, name: str, number: int) -> None:
        os.kill(self.pids[name], number)

    def stop(self, name: str) -> None:
        """End a daemon and its own children at once, as a power cut would, and see it gone."""
        if name in self.pids:
            os.killpg(self.pids[name], signal.SIGKILL)
            wait_for(lambda: self._gone(name), f"{name} does not end")

    def _gone(self, name: str) -> bool:
        self.reap()
        return name not in self.pids and not accepts(DAEMONS[name].address)


def wait_for(happened: Callable[[], bool], otherwise: str) -> None:
    pause, deadline_s = threading.Event(), time.monotonic() + START_TIMEOUT_S
    while not happened():
        if time.monotonic() > deadline_s:
            raise RuntimeError(otherwise)
        pause.wait(POLL_S)


def accepts(address: str | int) -> bool:
    """Tell whether something listens on this port of 127.0.0.1, or on this socket file."""
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    where = address if isinstance(address, str) else ("127.0.0.1", address)
    with socket.socket(family) as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(where) == 0


def log_tail(name: str) -> str:
    """Return the last lines that a daemon wrote, for the message about its failure."""
    texts = []
    for path in (Path(f"/var/log/{name}.out"), Path(DAEMONS[name].log)):
        with contextlib.suppress(OSError):
            texts.append(path.read_text(errors="replace")[-1500:].strip())
    return "\n".join(texts) or "it wrote nothing"


def set_loopback(*, up: bool) -> None:
    """Raise or lower the only network interface of this namespace."""
    get_flags, set_flags, is_up = 0x8913, 0x8914, 1
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sH14x", b"lo", 0)
        flags = struct.unpack("16sH14x", fcntl.ioctl(control, get_flags, request))[1]
        flags = flags | is_up if up else flags & ~is_up
        fcntl.ioctl(control, set_flags, struct.pack("16sH14x", b"lo", flags))


def make_folders() -> None:
    import pwd

    for name, owner, mode in FOLDERS:
        path = Path(name)
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(mode)
        entry = pwd.getpwnam(owner)
        os.chown(path, entry.pw_uid, entry.pw_gid)


def run(*argv: str) -> str:
    """Run a command to its end; raises with what it said when it fails."""
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(argv)}: {done.stdout}{done.stderr}".strip())
    return done.stdout


def start_all(init: Init) -> None:
    socket.sethostname(HOSTNAME)
    set_loopback(up=True)
    # The resolver gives a wildcard address only to a host that has more than a loopback one.
    run("ip", "address", "add", "192.0.2.1/32", "dev", "lo")
    make_folders()
    for name in ("munged", "mariadbd", "slurmdbd"):
        init.start(name)
    run("sacctmgr", "-i", "add", "cluster", "chem-cluster")
    for line in Path("/etc/slurm/accounts.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            run("sacctmgr", "-i", *line.split())
    for name in ("slurmctld", "slurmd"):
        init.start(name)
    wait_for(lambda: run("sinfo", "-h", "-o", "%T").split()[:1] == ["idle"], "the node stays down")


def obey(init: Init, order: dict[str, Any]) -> None:
    match order["do"]:
        case "start":
            init.start(order["daemon"])
        case "stop":
            init.stop(order["daemon"])
        case "signal":
            init.signal(order["daemon"], order["signal"])
        case "loopback":
            set_loopback(up=order["up"])
        case unknown:
            raise RuntimeError(f"unknown order {unknown!r}")


def answer(init: Init, act: Callable[[], None]) -> None:
    try:
        act()
    except Exception as error:
        reply: dict[str, Any] = {"error": str(error)}
    else:
        reply = {"pids": init.pids}
    sys.stdout.write(json.dumps(reply) + "\n")
    sys.stdout.flush()


def main() -> None:
    init = Init()
    answer(init, lambda: start_all(init))
    while True:
        init.reap()
        if not select.select([sys.stdin], [], [], 0.2)[0]:
            continue
        line = sys.stdin.readline()
        if not line:
            return
        answer(init, lambda line=line: obey(init, json.loads(line)))  # type: ignore[misc]


if __name__ == "__main__":
    main()
