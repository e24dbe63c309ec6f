"""A terminal at which a test types commands: real processes on a data directory of their own."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flagctl.domain.change import Actor, Change
from flagctl.domain.gate import Facts, SlurmVerdict
from flagctl.store.audit_log import AuditFilter, list_events
from flagctl.store.files import DataFiles
from flagctl.store.reading import reading
from flagctl.store.writing import ControlStore, Receipt
from flagctl.vocabulary import Action, Door, Outcome, Role

FLAGCTL = (sys.executable, "-m", "flagctl")
CAROL = Actor("person:carol", Role.ADMIN, Door.WEB)


@dataclass(frozen=True)
class Answer:
    """What a command wrote, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def error(self) -> Any:
        return json.loads(self.err)


class Terminal:
    """Runs `flagctl`; nothing of the test's own environment that changes it gets through."""

    def __init__(self, directory: Path, **environment: str) -> None:
        self.files = DataFiles(directory)
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("FLAGCTL_", "ZPE_", "PYTHONUNBUFFERED"))
        }
        self.environment = {**inherited, "FLAGCTL_DATA_DIR": str(directory), **environment}

    def type(self, *words: str, stdin: str = "", **environment: str) -> Answer:
        """Run one command without a terminal, as a script does."""
        ran = subprocess.run(
            [*FLAGCTL, *words],
            env={**self.environment, **environment},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Answer(ran.returncode, ran.stdout, ran.stderr)

    def do(self, *words: str, **environment: str) -> Answer:
        """Run one command that must succeed."""
        answer = self.type(*words, **environment)
        assert answer.code == 0, answer
        return answer

    def trail(self) -> list[tuple[Action, Outcome]]:
        """What the trail holds, the oldest event first."""
        with reading(self.files) as connection:
            events = list_events(connection, AuditFilter(), newest_first=False)
            return [(event.action, event.outcome) for event in events]

    def act(self, change: Change, at: datetime | None = None) -> Receipt:
        """Do something through another door, when the test says, with all gates open."""
        now = at or datetime.now(UTC)
        facts = Facts(verdict=SlurmVerdict(holds=True, detail="all ok", taken_at=now))
        return ControlStore(self.files, lambda: now).apply(change, CAROL, facts)
