"""A data directory that is ready, with people in it."""

import asyncio
import secrets
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copyfile
from typing import Any

from flagctl.domain.change import Actor, Change, CutOver
from flagctl.domain.gate import Facts, SlurmVerdict
from flagctl.domain.impact import Counts
from flagctl.domain.times import to_text
from flagctl.store.credentials import change_password, read_credentials
from flagctl.store.files import DataFiles
from flagctl.store.people import add_person, issue_link
from flagctl.store.reading import reading
from flagctl.store.runtime_db import ProcessRegistry
from flagctl.store.sessions import Sessions
from flagctl.store.submissions import SubmissionStore
from flagctl.store.writing import ControlStore, Receipt
from flagctl.vocabulary import DispatcherName, Door, Mode, Role
from flagctl.web.passwords import Passwords
from tests.counting import leave
from tests.judgements import judgement, tell
from tests.reports import STAYS_LIVE, report
from tests.runtime import tenants
from tests.store.test_submissions import claim

ROOT = Actor("os:root", Role.ADMIN, Door.CLI)


class Place:
    """What a test prepares by other doors than the browser."""

    def __init__(self, directory: Path, prepared: Path) -> None:
        self.files = DataFiles(directory)
        copyfile(prepared, self.files.control)
        self.store = ControlStore(self.files, lambda: datetime.now(UTC))

    def session(self, name: str, role: Role) -> str:
        """Let somebody in; return what their browser keeps."""
        person = add_person(self.store, name, role, ROOT)
        token = secrets.token_urlsafe(32)
        Sessions(self.files).start(token, person.id, datetime.now(UTC))
        return token

    def link(self, name: str, role: Role) -> str:
        """Let somebody in; return the path of their sign-in link."""
        add_person(self.store, name, role, ROOT)
        return f"/sign-in/{issue_link(self.store, name, ROOT).secret}"

    def change_password(self, name: str, password: str) -> None:
        """Give somebody another password, which signs them out everywhere."""
        with reading(self.files) as connection:
            found = read_credentials(connection, name)
        assert found is not None
        change_password(self.store, found.person, Passwords().hash(password))
        Sessions(self.files).end_all(found.person.id)

    def runtime_token(self) -> str:
        return tenants.issue(self.store)

    def count(self, counts: Counts) -> None:
        """Leave counts of resolutions as a process would that is gone by now."""
        leave(self.files, datetime.now(UTC), counts)

    def act(self, change: Change, actor: Actor = ROOT, ago: timedelta = timedelta()) -> Receipt:
        """Do something, now or in the past, with all gates open."""
        now = datetime.now(UTC) - ago
        facts = Facts(verdict=SlurmVerdict(holds=True, detail="", taken_at=now))
        return ControlStore(self.files, lambda: now).apply(change, actor, facts)

    def judge(self, **short: Any) -> None:
        """Let a process be there that has seen Slurm, with something else about `short`."""
        now, registry = datetime.now(UTC), ProcessRegistry(self.files)
        registry.beat(report("judge", heard_at=now + STAYS_LIVE))
        tell(registry, "judge", judgement(now, **short), now)

    def leave_in_doubt(self) -> None:
        """Leave a submission of which nobody knows whether Slurm has it."""
        store, at = SubmissionStore(self.files.submissions), to_text(datetime.now(UTC))
        given = claim(claimer=None, dispatcher=DispatcherName.SLURM, claimed_at=at, begun_at=at)
        with ThreadPoolExecutor() as pool:  # a loop runs in this thread already
            pool.submit(asyncio.run, store.claim(given)).result()
        store.close()

    def cut_over_to_real(self) -> None:
        until = datetime.now(UTC) + timedelta(days=30)
        self.act(CutOver(Mode.REAL_POLICY, "root", "green for a week", until, self.revision))

    @property
    def revision(self) -> int:
        with self.store.transaction() as at:
            return at.state().revision
