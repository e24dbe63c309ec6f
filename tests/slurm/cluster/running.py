"""A running test cluster, seen from outside: start, stop, commands inside, faults."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self

from tests.slurm.cluster.recipe import SERVICE_USER
from tests.slurm.cluster.tree import HERE, ClusterError, build, kept

START_TIMEOUT_S: Final = 60.0
ORDER_TIMEOUT_S: Final = 40.0
STOP_TIMEOUT_S: Final = 15.0
FILES: Final = HERE / "etc"
"""The configuration of the cluster; `accounts.txt` is what sacctmgr is told."""

CHILD_PYTHON: Final = "/venv/bin/python"
CHILD_IN_TREE: Final = "/srv/flagctl_child.py"

_NAMESPACES: Final = ("--mount", "--net", "--ipc", "--uts")


class Cluster:
    """A real Slurm in namespaces of its own: its processes, mounts, network and files.

    Everything in it ends with the process that started it, whatever ends that process.
    """

    def __init__(self, cache: Path, files: Path = FILES) -> None:
        self.tree = build(cache)
        self._files = files
        self._keeping = contextlib.ExitStack()
        self._process: subprocess.Popen[str] | None = None
        self._lock: IO[str] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start all daemons and return when the node is idle.

        Raises:
            ClusterError: a daemon does not start; the message has the end of its log.

        """
        mount_point = self.tree.parent / "mount-point"
        mount_point.mkdir(exist_ok=True)
        self._lock = self._keeping.enter_context(kept(self.tree))
        self._process = subprocess.Popen(
            [
                *("unshare", *_NAMESPACES, "--pid", "--fork", "--kill-child"),
                *(sys.executable, str(HERE / "enter.py")),
                *(str(self.tree), str(mount_point), str(self._files)),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # Ctrl-C in a terminal is for whoever started the cluster, who then ends it.
            process_group=0,
        )
        try:
            self._reply(START_TIMEOUT_S)
        except ClusterError:
            self.stop()
            raise

    def stop(self) -> None:
        """End every process of the cluster; its mounts and files go with them."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin
        assert process.stdout
        assert process.stderr
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
        process.stderr.close()
        self._keeping.close()

    def outlive_exec(self) -> None:
        """Let the program that this process becomes hold the cluster as this one does."""
        stdin = self._running().stdin
        assert stdin
        assert self._lock
        for held in (stdin, self._lock):
            os.set_inheritable(held.fileno(), True)

    def start_daemon(self, name: str) -> None:
        self._order(do="start", daemon=name)

    def kill_daemon(self, name: str) -> None:
        self._order(do="stop", daemon=name)

    @contextlib.contextmanager
    def without_daemon(self, *names: str) -> Iterator[None]:
        """Kill these daemons, and start them again afterwards, the last one first."""
        for name in names:
            self.kill_daemon(name)
        try:
            yield
        finally:
            for name in reversed(names):
                self.start_daemon(name)

    @contextlib.contextmanager
    def frozen(self, name: str) -> Iterator[None]:
        """Stop a daemon with SIGSTOP: it keeps its connections and answers nothing."""
        self._order(do="signal", daemon=name, signal=int(signal.SIGSTOP))
        try:
            yield
        finally:
            self._order(do="signal", daemon=name, signal=int(signal.SIGCONT))

    @contextlib.contextmanager
    def without_network(self) -> Iterator[None]:
        """Take the network interface away, so that no address can be reached."""
        self._order(do="loopback", up=False)
        try:
            yield
        finally:
            self._order(do="loopback", up=True)

    @contextlib.contextmanager
    def changed_file(self, name: str, text: str | None) -> Iterator[None]:
        """Give a file of the cluster another text, or take it away, for a while."""
        path = self.path(name)
        before, status = path.read_bytes(), path.stat()
        path.unlink() if text is None else path.write_text(text, encoding="utf-8")
        try:
            yield
        finally:
            path.write_bytes(before)
            path.chmod(status.st_mode & 0o7777)

    def path(self, name: str) -> Path:
        """Return where a file of the cluster is seen from outside."""
        return Path(f"/proc/{self._init_pid()}/root{name}")

    def inside(self, *argv: str, user: str = SERVICE_USER) -> list[str]:
        """Return an argv that runs `argv` in the cluster as `user`; it is that very process."""
        who = ("--setuid=0", "--setgid=0") if user == "root" else self._ids(user)
        target = f"--target={self._init_pid()}"
        return ["nsenter", target, *_NAMESPACES, "--root", "--wd", *who, "--", *argv]

    def run(self, *argv: str, user: str = SERVICE_USER) -> str:
        """Run a command in the cluster and return what it printed.

        Raises:
            ClusterError: it failed; the message has what it said.

        """
        command = self.inside(*argv, user=user)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise ClusterError(f"{' '.join(argv)}: {(done.stdout + done.stderr).strip()}")
        return done.stdout

    def admin(self, *argv: str) -> str:
        """Run a command as root, the cluster's administrator."""
        return self.run(*argv, user="root")

    def child_argv(self, child: Path, user: str = SERVICE_USER) -> list[str]:
        """Put the child's file into the cluster; return the argv that runs it there."""
        self.path(CHILD_IN_TREE).write_bytes(child.read_bytes())
        return self.inside(CHILD_PYTHON, CHILD_IN_TREE, user=user)

    def pid_of(self, daemon: str) -> int:
        """Return the number of a daemon's process as it is seen from outside."""
        for pid in _children(self._init_pid()):
            if Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip() == daemon:
                return pid
        raise ClusterError(f"{daemon} does not run")

    def _ids(self, user: str) -> tuple[str, ...]:
        for line in self.path("/etc/passwd").read_text(encoding="utf-8").splitlines():
            name, _, uid, gid, *_ = line.split(":")
            if name == user:
                return (f"--setuid={uid}", f"--setgid={gid}")
        raise ClusterError(f"the cluster has no user {user}")

    def _init_pid(self) -> int:
        return _children(self._running().pid)[0]

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            raise ClusterError("the cluster is not running")
        return self._process

    def _order(self, **order: Any) -> None:
        stdin = self._running().stdin
        assert stdin
        stdin.write(json.dumps(order) + "\n")
        stdin.flush()
        self._reply(ORDER_TIMEOUT_S)

    def _reply(self, timeout_s: float) -> dict[str, Any]:
        process = self._running()
        assert process.stdout
        assert process.stderr
        ready = select.select([process.stdout], [], [], timeout_s)[0]
        line = process.stdout.readline() if ready else ""
        if not line:
            raise ClusterError(
                f"the cluster ended: {process.stderr.read()}" if ready else "no answer"
            )
        reply: dict[str, Any] = json.loads(line)
        if "error" in reply:
            raise ClusterError(reply["error"])
        return reply


def _children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(word) for word in text.split()]
