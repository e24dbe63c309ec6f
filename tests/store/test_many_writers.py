"""Many processes act on one store at once."""

import json
from collections import Counter

from flagctl.store.audit_log import AuditFilter, list_events, verify_trail
from flagctl.store.examine import check
from flagctl.store.files import DataFiles
from flagctl.store.reading import read_state, reading
from flagctl.vocabulary import Outcome
from tests.store.processes import run_together

PROCESSES, ACTS = 8, 50

# Each looks at the revision, then hands the rollback over or starts it, as of that revision.
ACTS_AS_OF_WHAT_IT_SEES = """
import json, sys
from pathlib import Path
from flagctl.domain.change import HandOver, RollBack
from flagctl.errors import StaleError
from flagctl.store.files import DataFiles
from flagctl.store.reading import read_state, reading
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Mode
from tests.store.acts import ANNA, MovedClock, facts
files, told = DataFiles(Path(sys.argv[1])), []
store = ControlStore(files, MovedClock(), busy_timeout_s=60)
sys.stdin.readline()
for number in range(int(sys.argv[2])):
    with reading(files) as connection:
        state = read_state(connection)
    owner = f"owner {sys.argv[3]}-{number}"
    if state.rollback:
        change = HandOver(owner, "in turn", state.revision)
    else:
        change = RollBack(Mode.PASSTHROUGH, "first", owner=owner, revision=state.revision)
    try:
        told.append(["accepted", owner, store.apply(change, ANNA, facts()).revision])
    except StaleError as error:
        told.append(["stale", owner, error.current])
print(json.dumps(told))
"""


def test_revisions_are_gapless_and_each_loser_is_told_and_wrote_its_refusal_only(
    files: DataFiles,
) -> None:
    arguments = [[str(files.directory), str(ACTS), str(n)] for n in range(PROCESSES)]
    outputs = run_together(ACTS_AS_OF_WHAT_IT_SEES, arguments)
    told = [answer for output in outputs for answer in json.loads(output)]
    accepted = {revision: owner for how, owner, revision in told if how == "accepted"}
    stale = [owner for how, owner, _revision in told if how == "stale"]
    assert len(told) == PROCESSES * ACTS
    assert len(accepted) + len(stale) == PROCESSES * ACTS
    assert sorted(accepted) == list(range(1, len(accepted) + 1))
    with reading(files) as connection:
        events = list(list_events(connection, AuditFilter()))
        state = read_state(connection)
        assert verify_trail(connection).holds
    by_outcome = Counter(event.outcome for event in events)
    assert by_outcome == Counter({Outcome.ACCEPTED: len(accepted), Outcome.REFUSED: len(stale)})
    owners = {
        event.revision: event.detail["owner"]
        for event in events
        if event.outcome is Outcome.ACCEPTED
    }
    assert owners == accepted
    assert state.revision == len(accepted)
    assert state.rollback
    assert state.rollback.owner == accepted[len(accepted)]
    assert check(files).is_whole


ACTS_TOWARD_SAFE = """
import sys
from pathlib import Path
from flagctl.domain.change import Extend
from flagctl.store.files import DataFiles
from flagctl.store.writing import ControlStore
from tests.store.acts import ANNA, NOON, MovedClock, facts, roll_back, timedelta
store = ControlStore(DataFiles(Path(sys.argv[1])), MovedClock(), busy_timeout_s=60)
sys.stdin.readline()
roll_back(store)
for number in range(int(sys.argv[2])):
    print(store.apply(Extend(NOON + timedelta(hours=1), "more"), ANNA, facts()).revision)
"""


def test_acts_toward_safe_all_get_through(files: DataFiles) -> None:
    outputs = run_together(ACTS_TOWARD_SAFE, [[str(files.directory), str(ACTS)]] * PROCESSES)
    revisions = sorted(int(line) for output in outputs for line in output.split())
    assert revisions == list(range(2, PROCESSES * ACTS + 2))
    with reading(files) as connection:
        rollback = read_state(connection).rollback
        found = verify_trail(connection)
    assert rollback
    assert rollback.extensions == PROCESSES * ACTS
    assert (found.holds, found.events) == (True, PROCESSES * (ACTS + 1))
