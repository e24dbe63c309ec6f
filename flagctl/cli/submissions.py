"""`flagctl submissions`: those of which nobody knows whether they arrived."""

from __future__ import annotations

import typer

from flagctl.cli.desk import now, sit_down
from flagctl.cli.options import Json
from flagctl.cli.say import say, say_json
from flagctl.present.submissions import SubmissionRecord, submission_record
from flagctl.present.wording import plural
from flagctl.vocabulary import Role

app = typer.Typer(help="Submissions in doubt, and what to do about them.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Keep this a group of commands, although it has only one."""


@app.command("list")
def list_(json: Json = False) -> None:
    """List the submissions in doubt, the oldest first; needs neither the web nor control.db."""
    from flagctl.store.in_doubt import read_in_doubt

    desk, at = sit_down(), now()
    found = read_in_doubt(desk.files.submissions, at, desk.settings.submission_lease)
    # Who may read the file may read all of it.
    records = [submission_record(each, at, Role.ADMIN) for each in found]
    if json:
        say_json(records)
        return
    say(f"{plural(len(records), 'submission')} in doubt." if records else "None is in doubt.")
    for record in records:
        _tell(record)


def _tell(record: SubmissionRecord) -> None:
    job = "" if record.slurm_job_id is None else f", Slurm job {record.slurm_job_id}"
    say()
    say(f"{record.submission_id}: {record.dispatcher}{job}, in doubt for {record.age}")
    say(
        f"  job {record.job_id} of tenant {record.tenant_id}, workspace {record.workspace_id}, "
        f"node {record.management_node_id}"
    )
    say(f"  {record.what_to_do}")
