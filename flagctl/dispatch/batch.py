"""The batch job that an order becomes on a site: its resources, script, environment and paths.

What a client sent reaches a job through its environment only. The script is the site's file,
byte for byte, and no name or path is made of a client's words (architecture, decision 11).
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from flagctl.domain.boundary import SlurmQueueMapping
from flagctl.domain.submission import Order
from flagctl.errors import MisconfiguredError
from flagctl.slurm.client import BatchJob

DEFAULT_SCRIPT: Final = Path(__file__).with_name("batch.sh")
SCRIPT_MAX_BYTES: Final = 4 * 1024 * 1024
"""Slurm's own limit (slurm.conf, max_script_size)."""

_SECONDS: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What a site says about its jobs. Paths are those of the compute nodes, but for the script.

    `output` and `error` may hold Slurm's patterns, such as `%j`, and begin in the working
    directory unless they are absolute.
    """

    script: Path = DEFAULT_SCRIPT
    working_directory: str
    output: str
    error: str


def read_script(path: Path) -> str:
    """Return the batch script.

    Raises:
        MisconfiguredError: it can't be read, or Slurm would not take it.

    """
    where = f"The batch script {path} (FLAGCTL_SLURM_BATCH_SCRIPT)"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise MisconfiguredError(f"{where} can't be read: {error.strerror}.") from error
    if len(content) > SCRIPT_MAX_BYTES:
        raise MisconfiguredError(f"{where} has more than {SCRIPT_MAX_BYTES} bytes.")
    if not content.startswith(b"#!"):
        raise MisconfiguredError(f"{where} names no interpreter: begin it with #!/bin/sh.")
    if b"\r\n" in content or b"\0" in content:
        raise MisconfiguredError(f"{where} has DOS line breaks or NUL bytes; take them out.")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise MisconfiguredError(f"{where} is not UTF-8: {error}.") from error


def asked_minutes(order: Order, mapping: SlurmQueueMapping) -> int:
    """Return the walltime to ask Slurm for: whole minutes, rounded up, never above the mapping."""
    asked_s: int = order.command["resource_shape"]["walltime_seconds"]
    return min(math.ceil(asked_s / _SECONDS), mapping.max_walltime_minutes)


def batch_job(order: Order, mapping: SlurmQueueMapping, site: Site, script: str) -> BatchJob:
    """Return the job to submit, with the mapping's partition, account and QoS."""
    shape = order.command["resource_shape"]
    return BatchJob(
        name=order.job_name,
        account=mapping.account,
        qos=mapping.qos,
        partition=mapping.partition,
        time_limit_minutes=asked_minutes(order, mapping),
        cpus=shape["cpu"],
        memory_mib=shape["memory_mib"],
        working_directory=site.working_directory,
        standard_output=_path(site, site.output),
        standard_error=_path(site, site.error),
        script=script,
        environment=environment(order),
    )


def environment(order: Order) -> Mapping[str, str]:
    """Return what the script learns of the submission; what was not given is not set."""
    command, shape = order.command, order.command["resource_shape"]
    values = {
        "FLAGCTL_JOB_ID": command["job_id"],
        "FLAGCTL_SUBMISSION_ID": order.submission_id,
        "FLAGCTL_IDEMPOTENCY_DIGEST": order.digest,
        "FLAGCTL_TENANT_ID": command["tenant_id"],
        "FLAGCTL_WORKSPACE_ID": command["workspace_id"],
        "FLAGCTL_MANAGEMENT_NODE_ID": command["management_node_id"],
        "FLAGCTL_USER_ID": command["requested_by"]["user_id"],
        "FLAGCTL_TRACE_ID": order.trace_id,
        "FLAGCTL_QUEUE": order.boundary.resolved_queue,
        "FLAGCTL_INPUT_URI": command["payload_ref"]["input_uri"],
        "FLAGCTL_ARTIFACT_BUCKET": command["payload_ref"].get("artifact_bucket"),
        "FLAGCTL_CPU": shape["cpu"],
        "FLAGCTL_MEMORY_MIB": shape["memory_mib"],
        "FLAGCTL_WALLTIME_SECONDS": shape["walltime_seconds"],
    }
    return {name: str(value) for name, value in values.items() if value is not None}


def _path(site: Site, pattern: str) -> str:
    return os.path.join(site.working_directory, pattern)  # noqa: PTH118 - a path of another host
