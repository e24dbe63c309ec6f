"""The things that `flagctl doctor` looks at."""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Final

from flagctl.cli.desk import Desk, now
from flagctl.cli.findings import Finding, examined, failed, ok, warning
from flagctl.cli.holders import holders
from flagctl.cli.reaching import reached
from flagctl.cli.serve import RUNTIME_PORT
from flagctl.cli.watching import break_glass_at
from flagctl.errors import Code, FlagctlError
from flagctl.present.wording import ago, plural
from flagctl.settings import unknown_names
from flagctl.store.trouble import StoreTroubleError
from flagctl.vocabulary import LADDER, ModeSignal

LOW_SPACE_BYTES: Final = 100 * 1024 * 1024
NO_SPACE_BYTES: Final = 1024 * 1024
CLOCK_SLACK_S: Final = 60
SIGNAL_BUSY_TIMEOUT_S: Final = 1.0
LATE: Final = timedelta(minutes=5)
"""A delivery that has waited longer is in trouble, or nobody runs the reminders."""


def examine(desk: Desk) -> Iterator[Finding]:
    """Look at everything, one thing after the other."""
    files = desk.files
    looks: list[tuple[str, Callable[[], Finding]]] = [
        ("settings", _spelling),
        ("python", _python),
        ("sqlite", _sqlite),
        ("data directory", lambda: _directory(files.directory)),
        ("free space", lambda: _space(files.directory)),
        ("control.db", lambda: _control(desk)),
        ("mode signal", lambda: _signal(desk)),
        ("open by", lambda: _holders(files.control)),
        ("clock", lambda: _clock(desk)),
        ("submissions.db", lambda: _submissions(files.submissions)),
        ("runtime.db", lambda: _runtime_db(desk)),
        ("spool", lambda: _spool(desk)),
        ("policy", lambda: _policy(desk)),
        ("slurm", lambda: _slurm(desk)),
        ("batch script", lambda: _batch_script(desk)),
        ("break-glass", lambda: _break_glass(desk)),
        ("reminders", lambda: _reminders(desk)),
        ("web", lambda: _server("web", f"{desk.settings.public_url}/healthz")),
        ("runtime", lambda: _server("runtime", f"http://127.0.0.1:{RUNTIME_PORT}/api/health")),
    ]
    for name, look in looks:
        yield examined(name, look)


def _spelling() -> Finding:
    unknown = unknown_names()
    if unknown:
        return warning("settings", f"{', '.join(unknown)}: no such setting. Is it misspelt?")
    return ok("settings", "every variable that looks like a setting is one")


def _python() -> Finding:
    return ok("python", f"{platform.python_version()} at {sys.executable}")


def _sqlite() -> Finding:
    return ok("sqlite", sqlite3.sqlite_version)


def _directory(directory: Path) -> Finding:
    from flagctl.store.filesystem import filesystem_type, refuse_network_filesystem

    name, shown = "data directory", directory.absolute()
    if not directory.exists():
        return failed(name, f"{shown} does not exist. `flagctl db upgrade` makes it.")
    refuse_network_filesystem(directory)
    status = directory.stat()
    told = f"{shown}, {filesystem_type(directory) or 'unknown file system'}"
    told += f", mode {status.st_mode & 0o7777:o}, uid {status.st_uid}, gid {status.st_gid}"
    if not os.access(directory, os.R_OK | os.W_OK | os.X_OK):
        return failed(name, f"{told}: this user may not write there. Join its group (mode 2770).")
    if status.st_mode & 0o007:
        return warning(name, f"{told}: everybody may look in. Set mode 2770: chmod 2770 {shown}")
    return ok(name, told)


def _space(directory: Path) -> Finding:
    place = next(
        path for path in (directory.absolute(), *directory.absolute().parents) if path.exists()
    )
    free = shutil.disk_usage(place).free
    told = f"{free // (1024 * 1024)} MiB free under {place}"
    if free < NO_SPACE_BYTES:
        return failed("free space", f"{told}: flips and submissions are refused. Free some.")
    if free < LOW_SPACE_BYTES:
        return warning("free space", f"{told}. Free some: a full disk stops flips and submissions.")
    return ok("free space", told)


def _control(desk: Desk) -> Finding:
    from flagctl.store.connection import schema_revision
    from flagctl.store.facts import gather_facts
    from flagctl.store.reading import read_state

    used = gather_facts(desk.files, now()).newest_revision  # first: somebody may flip meanwhile
    with desk.reading() as connection:
        revision = read_state(connection).revision
        schema = schema_revision(connection)
    told = f"readable, revision {revision}, schema {schema}"
    if used > revision:
        text = f"{told}, but revision {used} was in use: what was committed since is lost. Compare "
        text += "`flagctl audit list` with what you know; roll back again if in doubt."
        return failed("control.db", text)
    if not os.access(desk.files.control, os.W_OK):
        text = f"{told}, but this user may not write it: acts would be refused (mode 660, group)."
        return warning("control.db", text)
    return ok("control.db", f"{told}. The trail is checked by `flagctl audit verify`.")


def _signal(desk: Desk) -> Finding:
    from flagctl.store.follower import Follower

    wanted = desk.settings.mode_signal
    try:
        with closing(Follower(desk.files.control, SIGNAL_BUSY_TIMEOUT_S, wanted)) as follower:
            in_use = follower.in_use
    except StoreTroubleError:
        return warning("mode signal", "unknown as long as control.db can't be read")
    told = f"{in_use.kind}: {in_use.why}"
    if wanted is ModeSignal.FAST and in_use.kind is not ModeSignal.FAST:
        return warning("mode signal", f"{told}. Answers are right, and each costs a little more.")
    return ok("mode signal", told)


def _holders(path: Path) -> Finding:
    if lost := [*holders(path, removed="-wal"), *holders(path, removed="-shm")]:
        pids = ", ".join(sorted({f"pid {pid}" for pid, _ in lost}))
        text = f"{pids}: has a -wal or -shm of {path.name} open that was removed. Restart it."
        return failed("open by", text)
    found = holders(path)
    if not found:
        return ok("open by", f"no process that this user may look into has {path.name} open")
    told = "; ".join(f"pid {pid}: {command}" for pid, command in found)
    return ok("open by", f"{path.name} is open in {told}")


def _clock(desk: Desk) -> Finding:
    from flagctl.store.audit_log import newest

    at = now()
    try:
        with desk.reading() as connection:
            last = newest(connection)
    except FlagctlError:
        return ok("clock", f"{at:%Y-%m-%d %H:%M:%S} UTC; there is no trail to compare it with")
    if last is not None and (last.at - at).total_seconds() > CLOCK_SLACK_S:
        return warning(
            "clock",
            f"it is {at:%Y-%m-%d %H:%M:%S} UTC here, but the newest audit event is of "
            f"{last.at:%Y-%m-%d %H:%M:%S} UTC. Set the clock right: expiries go by it.",
        )
    return ok("clock", f"{at:%Y-%m-%d %H:%M:%S} UTC, not before the newest audit event")


def _submissions(path: Path) -> Finding:
    from flagctl.store.connection import require_readable

    if not path.exists():
        return ok("submissions.db", "not there yet; the runtime makes it")
    require_readable(path)
    return ok("submissions.db", "readable")


def _runtime_db(desk: Desk) -> Finding:
    from flagctl.store.connection import require_readable
    from flagctl.store.heard import listen

    if not desk.files.runtime.exists():
        return ok("runtime.db", "not there yet; no process was heard of. It may always be deleted")
    require_readable(desk.files.runtime)
    at = now()
    heard = listen(desk.files, at)
    if heard.trouble is not None:
        return warning("runtime.db", f"{heard.trouble} Any process makes it anew; or delete it.")
    live = [report for report in heard.reports if report.is_live(at)]
    return ok("runtime.db", f"readable, {plural(len(live), 'live process', 'live processes')}")


def _spool(desk: Desk) -> Finding:
    if desk.settings.handoff_url:
        return ok("spool", f"not used: submissions go to {desk.settings.handoff_url}")
    spool, limit = desk.files.spool, desk.settings.spool_max_files
    if not spool.exists():
        return ok("spool", "not there yet; the runtime makes it")
    waiting = sum(1 for entry in os.scandir(spool) if not entry.name.startswith("."))
    told = f"{plural(waiting, 'file')} of at most {limit} wait for the management node"
    if waiting >= limit:
        return failed("spool", f"{told}: it is full, submissions are 503. Let the node take them.")
    return ok("spool", told)


def _policy(desk: Desk) -> Finding:
    from flagctl.adapter.policy_file import PolicyFile

    path = desk.settings.policy_path
    if path is None:
        text = "ZPE_SLURM_POLICY_PATH is not set: queues go through as asked, without policy."
        return warning("policy", text)
    reading = PolicyFile(path).reading()
    if reading.policy is None:
        return failed("policy", reading.problem or f"{path} can't be read.", Code.MISCONFIGURED)
    queues = plural(len(reading.policy.mappings), "queue")
    return ok("policy", f"{path}, {queues}, SHA-256 {reading.sha256}")


def _batch_script(desk: Desk) -> Finding:
    from flagctl.dispatch.batch import read_script

    path = desk.settings.slurm_batch_script
    if path is None:
        text = "FLAGCTL_SLURM_BATCH_SCRIPT is not set: jobs on Slurm name their submission and end."
        return warning("batch script", text) if _may_reach_slurm(desk) else ok("batch script", text)
    read_script(path)
    return ok("batch script", f"{path}, to run in {desk.settings.slurm_work_dir}")


def _may_reach_slurm(desk: Desk) -> bool:
    """Tell whether somebody said that there is a Slurm."""
    return desk.settings.slurm_child is not None or desk.settings.adapter_pin is LADDER[-1]


def _slurm(desk: Desk) -> Finding:
    """Look at what the live processes found; only where the top mode is in force it is trouble."""
    from flagctl.present.preflight import preflight_record
    from flagctl.store.facts import live_judges

    live = live_judges(desk.files, now())
    found = preflight_record(live, now())
    told = f"{found.sentence}. `flagctl preflight` says more"
    if not found.holds and any(each.process.mode is LADDER[-1] for each in live):
        return warning("slurm", f"{told}, and {LADDER[-1]} is in force: {found.worst}")
    return ok("slurm", told)


def _break_glass(desk: Desk) -> Finding:
    glass = break_glass_at(desk)
    if glass is None:
        return ok("break-glass", f"no file at {desk.files.break_glass.absolute()}")
    return warning(
        "break-glass",
        f"{glass.path} lowers every process on {glass.host} to {glass.mode}; owner "
        f"{glass.file_owner}, written {ago(glass.modified_at, now())}. Remove it once a rollback "
        "flag keeps the mode: see `flagctl status`.",
    )


def _reminders(desk: Desk) -> Finding:
    from flagctl import wiring

    name, settings = "reminders", desk.settings
    problems = wiring.address_problems(settings)
    if problems:
        return failed(name, "; ".join(problems), Code.MISCONFIGURED)
    if not settings.notify_urls and not settings.notify_admin_urls:
        text = "no channel is configured: set FLAGCTL_NOTIFY_URLS, or nobody hears of an expiry."
        return warning(name, text)
    from flagctl.store.reminder_reading import read_undelivered

    with desk.reading() as connection:
        found = read_undelivered(connection)
    told = f"{plural(found.waiting, 'delivery', 'deliveries')} waiting, {found.failed} failed"
    if found.failed or (found.oldest_at is not None and now() - found.oldest_at > LATE):
        return warning(name, f"{told}. Look: `flagctl reminders list`; is `flagctl web` running?")
    return ok(name, f"{told}. To try the channels: `flagctl reminders test --to operators`.")


def _server(name: str, url: str) -> Finding:
    problem = reached(url)
    if problem is None:
        return ok(name, f"{url} answers")
    text = f"{url}: {problem}. If it should run on this host, start it: `flagctl {name}`."
    return warning(name, text)
