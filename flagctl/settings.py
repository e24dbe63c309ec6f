"""Every setting: its name, default, unit and help; the only place that reads the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any, Final

from flagctl import setting_values as values
from flagctl.domain.fields import mode as mode_named
from flagctl.errors import InvalidError, MisconfiguredError
from flagctl.vocabulary import Mode, ModeSignal

ADAPTER_PIN_NAME: Final = "ZPE_SLURM_ADAPTER"
PREFIXES: Final = ("FLAGCTL_", "ZPE_SLURM_")


def _setting(
    name: str, help_: str, parse: Callable[[str], Any], default: Any, *, secret: bool = False
) -> Any:
    metadata = {"name": name, "help": help_, "parse": parse, "secret": secret}
    return field(default=default, metadata=metadata, repr=not secret)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one process. Units stand in the names; unset is `None`."""

    adapter_pin: Mode | None = _setting(
        ADAPTER_PIN_NAME, "pins the configured mode of this process", mode_named, None
    )
    policy_path: Path | None = _setting(
        "ZPE_SLURM_POLICY_PATH", "the queue policy file (JSON)", Path, None
    )
    environment: str = _setting(
        "FLAGCTL_ENVIRONMENT",
        "shown on every page and in every message",
        values.text,
        "development",
    )
    data_dir: Path = _setting(
        "FLAGCTL_DATA_DIR",
        "holds the databases, spool/ and BREAK_GLASS; a local file system",
        Path,
        Path("var"),
    )
    handoff_url: str | None = _setting(
        "FLAGCTL_HANDOFF_URL",
        "management node submit URL; unset means the spool directory",
        values.http_url,
        None,
    )
    handoff_timeout_s: float = _setting(
        "FLAGCTL_HANDOFF_TIMEOUT_S", "deadline of one hand-off over HTTP", values.positive_s, 5.0
    )
    spool_max_files: int = _setting(
        "FLAGCTL_SPOOL_MAX_FILES",
        "a spool with this many waiting files is full; submissions are then 503",
        values.positive_int,
        10_000,
    )
    submission_retention_days: int = _setting(
        "FLAGCTL_SUBMISSION_RETENTION_DAYS",
        "how long an idempotency record lives",
        values.positive_int,
        7,
    )
    slurm_child: tuple[str, ...] | None = _setting(
        "FLAGCTL_SLURM_CHILD",
        "how the pyslurm child is started, in words as a shell splits them; unset means this "
        "Python with the child file",
        values.argv,
        None,
    )
    slurm_call_timeout_s: float = _setting(
        "FLAGCTL_SLURM_CALL_TIMEOUT_S", "deadline of one call to the child", values.positive_s, 5.0
    )
    slurm_snapshot_max_age_s: float = _setting(
        "FLAGCTL_SLURM_SNAPSHOT_MAX_AGE_S",
        "an older view of the cluster answers nothing",
        values.positive_s,
        15.0,
    )
    slurm_batch_script: Path | None = _setting(
        "FLAGCTL_SLURM_BATCH_SCRIPT",
        f"what a job of {Mode.REAL_POLICY} runs; unset means a script that names it and ends",
        Path,
        None,
    )
    slurm_work_dir: str = _setting(
        "FLAGCTL_SLURM_WORK_DIR",
        "where a job runs, on the compute nodes",
        values.absolute_path,
        "/tmp",  # noqa: S108 - every compute node has it; a site names its own
    )
    slurm_output: str = _setting(
        "FLAGCTL_SLURM_OUTPUT",
        "where a job's standard output goes, with Slurm's patterns, from the working directory on",
        values.text,
        "flagctl-%j.out",
    )
    slurm_error: str | None = _setting(
        "FLAGCTL_SLURM_ERROR",
        "where a job's standard error goes; unset means to its output",
        values.text,
        None,
    )
    mode_signal: ModeSignal = _setting(
        "FLAGCTL_MODE_SIGNAL",
        "how a process learns of a flip: auto, plain or fast",
        values.mode_signal,
        ModeSignal.AUTO,
    )
    busy_timeout_s: float = _setting(
        "FLAGCTL_BUSY_TIMEOUT_S", "how long a writer waits for another one", values.positive_s, 5.0
    )
    notify_urls: str = _setting(
        "FLAGCTL_NOTIFY_URLS",
        "Apprise addresses of the operators' channel, separated by blanks",
        values.text,
        "",
        secret=True,
    )
    notify_admin_urls: str = _setting(
        "FLAGCTL_NOTIFY_ADMIN_URLS",
        "Apprise addresses of the administrators' channel, separated by blanks",
        values.text,
        "",
        secret=True,
    )
    public_url: str = _setting(
        "FLAGCTL_PUBLIC_URL", "links in messages", values.http_url, "http://127.0.0.1:8600"
    )
    runbook_url: str | None = _setting(
        "FLAGCTL_RUNBOOK_URL",
        "link shown beside every dangerous act; unset means the built-in page",
        values.http_url,
        None,
    )

    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = _setting(
        "FLAGCTL_TRUSTED_PROXIES",
        "networks whose forwarded headers are believed, with commas between them",
        values.networks,
        (),
    )
    plain_http: bool = _setting(
        "FLAGCTL_PLAIN_HTTP",
        "yes lets browsers sign in over plain http at a name other than this machine's own",
        values.yes_or_no,
        False,
    )

    @property
    def submission_lease(self) -> timedelta:
        """Return after how long a claim is taken over from a process that hangs.

        Longer than any dispatch takes.
        """
        longest_s = max(self.handoff_timeout_s, self.slurm_call_timeout_s)
        return timedelta(seconds=max(60.0, 4 * longest_s))

    @property
    def runbook(self) -> str:
        """Return where the runbook is read."""
        return self.runbook_url or f"{self.public_url}/runbook"


@dataclass(frozen=True, slots=True)
class SettingLine:
    """One setting as `flagctl doctor` shows it; `source` is `environment` or `default`."""

    name: str
    value: str | None
    source: str
    help: str


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Return the settings of this process; an empty variable counts as unset.

    Raises:
        MisconfiguredError: a value can't be used; the message names the variable and says why.

    """
    settings, problems = load_usable_settings(environ)
    if problems:
        raise problems[0]
    _require_policy_for_real_policy(settings)
    return settings


def load_usable_settings(
    environ: Mapping[str, str] | None = None,
) -> tuple[Settings, list[MisconfiguredError]]:
    """Return the settings with each value that can't be used left at its default, and why.

    For what must work when everything is broken: going to the safer mode, and finding out.
    """
    env = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    problems: list[MisconfiguredError] = []
    for item in fields(Settings):
        text = env.get(item.metadata["name"], "").strip()
        if text:
            try:
                values[item.name] = _parsed(item.metadata, text)
            except MisconfiguredError as error:
                problems.append(error)
    return Settings(**values), problems


def _parsed(metadata: Mapping[str, Any], text: str) -> Any:
    try:
        return metadata["parse"](text)
    except (ValueError, InvalidError) as error:
        raise MisconfiguredError(
            f"{metadata['name']}={text} can't be used: {error} "
            "Correct or unset it, then start again."
        ) from None


def _require_policy_for_real_policy(settings: Settings) -> None:
    if settings.adapter_pin is Mode.REAL_POLICY and settings.policy_path is None:
        raise MisconfiguredError(
            f"{ADAPTER_PIN_NAME}={Mode.REAL_POLICY} needs a queue policy, and "
            "ZPE_SLURM_POLICY_PATH is not set. Set it to the policy file, or unset "
            f"{ADAPTER_PIN_NAME}, then start again."
        )


def setting_lines(
    settings: Settings, environ: Mapping[str, str] | None = None
) -> list[SettingLine]:
    """Return every setting with its value and where the value came from."""
    env = os.environ if environ is None else environ
    lines = []
    for item in fields(Settings):
        name, value = item.metadata["name"], getattr(settings, item.name)
        # What was typed, also when it can't be used: that is what has to be mended.
        text = env.get(name, "").strip()
        shown = text or (None if value is None else _shown(value))
        if item.metadata["secret"]:
            shown = _without_secrets(shown or "")
        source = "environment" if text else "default"
        lines.append(SettingLine(name, shown, source, item.metadata["help"]))
    return lines


def unknown_names(environ: Mapping[str, str] | None = None) -> list[str]:
    """Return the variables that look like settings and are none: most likely misspelt."""
    env = os.environ if environ is None else environ
    known = {item.metadata["name"] for item in fields(Settings)}
    return sorted(name for name in env if name.startswith(PREFIXES) and name not in known)


def _shown(value: object) -> str:
    """Return a value as the environment would hold it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return str(value)


def _without_secrets(addresses: str) -> str | None:
    """Return the schemes alone: everything behind them may be a password."""
    schemes = re.findall(r"[A-Za-z][A-Za-z0-9+.-]*(?=://)", addresses)
    return ", ".join(f"{scheme}://…" for scheme in schemes) or ("…" if addresses else None)


def environment_for_child(settings: Settings, **changes: str) -> dict[str, str]:
    """Return this process's environment for a child that works on the same data."""
    own = {"FLAGCTL_DATA_DIR": str(settings.data_dir.resolve())}
    if settings.policy_path is not None:
        own["ZPE_SLURM_POLICY_PATH"] = str(settings.policy_path.resolve())
    return {**os.environ, **own, **changes}
