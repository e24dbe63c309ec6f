"""`flagctl submissions list`: what is in doubt, also with the web down."""

import asyncio

from flagctl.store.job_ledger import JobLedger
from flagctl.store.submissions import SubmissionStore
from flagctl.vocabulary import DispatcherName
from tests.cli.terminal import Terminal
from tests.store.test_submissions import NOON, claim


def test_one_is_told_with_its_job_and_what_to_do(terminal: Terminal) -> None:
    store = SubmissionStore(terminal.files.submissions)
    given = claim(claimer=None, dispatcher=DispatcherName.SLURM)

    async def leave_in_doubt() -> None:
        await store.claim(given)
        await JobLedger(store, lambda: NOON).record(given.digest, given.submission_id, 7)

    asyncio.run(leave_in_doubt())
    store.close()
    said = terminal.do("submissions", "list").out
    assert "1 submission in doubt." in said
    assert "id of key-1: slurm, Slurm job 7, in doubt for" in said
    assert "job j of tenant t, workspace w, node n" in said
    assert "job 7 is held and will be released" in said
    (told,) = terminal.do("submissions", "list", "--json").json
    assert (told["slurm_job_id"], told["tenant_id"]) == (7, "t")


def test_without_any_it_says_so(terminal: Terminal) -> None:
    assert terminal.do("submissions", "list").out == "None is in doubt.\n"
    assert terminal.do("submissions", "list", "--json").json == []


def test_a_file_that_can_not_be_read_ends_as_a_store_that_is_not_available(
    terminal: Terminal,
) -> None:
    terminal.files.submissions.write_text("no database at all, whatever one asks of it. " * 50)
    assert terminal.type("submissions", "list").code == 8
