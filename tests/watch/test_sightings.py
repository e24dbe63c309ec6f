"""What the trail tells of pins and of the policy file."""

from datetime import timedelta
from pathlib import Path

from flagctl.domain.change import EndRollback, RollBack
from flagctl.domain.gate import Facts
from flagctl.store.files import DataFiles
from flagctl.store.writing import ControlStore
from flagctl.vocabulary import Action, Freshness, Mode, Outcome
from tests.reader.other_process import other_process
from tests.watch.conftest import ADMIN, MovedClock, Starter, Trail, cut_over

LOW, MIDDLE, HIGH = Mode


def pins(trail: Trail) -> list[object]:
    return [event.detail["pin"] for event in trail.events(Action.PIN_SEEN)]


def test_a_pin_below_what_the_flags_say_is_told_once(start: Starter, trail: Trail) -> None:
    process = start(LOW)
    process.turn()
    process.turn()
    (event,) = trail.events()
    assert (event.action, event.outcome) == (Action.PIN_SEEN, Outcome.SEEN)
    assert event.detail == {"host": process.watch.host, "role": "runtime", "pin": LOW}
    assert (event.mode_before, event.mode_after, event.revision) == (MIDDLE, MIDDLE, None)


def test_restarts_do_not_make_the_trail_grow(start: Starter, trail: Trail, tmp_path: Path) -> None:
    for _ in range(20):
        process = start(LOW, policy_path=tmp_path / "p", policy_sha256=lambda: "a" * 64)
        process.turn()
    assert len(trail.events()) == 2


def test_a_pin_that_changes_is_told_again(
    start: Starter, trail: Trail, store: ControlStore, clock: MovedClock
) -> None:
    cut_over(store, clock)
    for pin in (LOW, MIDDLE, MIDDLE, LOW):
        start(pin).turn()
    assert pins(trail) == [LOW, MIDDLE, LOW]


def test_a_pin_that_lowers_nothing_is_not_told(start: Starter, trail: Trail) -> None:
    start(MIDDLE).turn()
    start(HIGH).turn()
    start(None).turn()
    assert trail.events() == []


def test_a_pin_is_told_when_the_rollback_that_covered_it_ends(
    start: Starter, trail: Trail, store: ControlStore
) -> None:
    rolled_back = store.apply(RollBack(LOW, "smoke"), ADMIN, Facts())
    process = start(LOW)
    process.turn()
    assert pins(trail) == []
    end = EndRollback("done", no_follow_up="drill", revision=rolled_back.revision)
    store.apply(end, ADMIN, Facts())
    process.turn()
    assert pins(trail) == [LOW]


def test_the_policy_file_is_told_when_first_seen_and_whenever_it_changes(
    start: Starter, trail: Trail, tmp_path: Path
) -> None:
    contents = ["a" * 64]
    path = tmp_path / "policy.json"
    first = start(policy_path=path, policy_sha256=lambda: contents[-1])
    second = start(policy_path=path, policy_sha256=lambda: contents[-1])
    for content in ("a" * 64, "b" * 64, "a" * 64):
        contents.append(content)
        for process in (first, second, first):
            process.turn()
    told = trail.events(Action.POLICY_SEEN)
    assert [event.detail["sha256"] for event in told] == ["a" * 64, "b" * 64, "a" * 64]
    assert told[0].detail["path"] == str(path)


def test_two_policy_files_are_two_things(start: Starter, trail: Trail, tmp_path: Path) -> None:
    for _ in range(2):
        start(policy_path=tmp_path / "one", policy_sha256=lambda: "1" * 64).turn()
        start(policy_path=tmp_path / "two", policy_sha256=lambda: "2" * 64).turn()
    assert len(trail.events(Action.POLICY_SEEN)) == 2


def test_a_policy_file_that_is_missing_is_told_when_it_is_there(
    start: Starter, trail: Trail, tmp_path: Path
) -> None:
    content: str | None = None
    process = start(policy_path=tmp_path / "p", policy_sha256=lambda: content)
    process.turn()
    assert trail.events() == []
    content = "c" * 64
    process.turn()
    assert len(trail.events(Action.POLICY_SEEN)) == 1


def test_a_sighting_is_chained_like_every_event(start: Starter, trail: Trail) -> None:
    start(LOW).turn()
    assert trail.verifies()


def test_a_sighting_that_the_store_can_not_take_is_told_later(
    start: Starter, trail: Trail, store: ControlStore
) -> None:
    process = start(LOW)
    with store.transaction():
        process.turn()
    assert pins(trail) == []
    process.turn()
    assert pins(trail) == [LOW]


def test_an_hour_of_turns_writes_nothing_more(start: Starter, trail: Trail, tmp_path: Path) -> None:
    process = start(LOW, policy_path=tmp_path / "p", policy_sha256=lambda: "d" * 64)
    for _ in range(60):
        process.turn(timedelta(minutes=1).total_seconds())
    assert len(trail.events()) == 2


def test_a_process_whose_wal_was_removed_lets_go_of_it_and_follows_again(
    files: DataFiles, start: Starter
) -> None:
    process = start(policy_path=files.directory / "policy.json", policy_sha256=lambda: "a" * 64)
    process.turn()  # tells of the policy, and keeps the connection
    for suffix in ("-wal", "-shm"):
        Path(f"{files.control}{suffix}").unlink()
    commit_and_stay = "print(next_revision(connection), flush=True); sys.stdin.readline()"
    with other_process(files, commit_and_stay) as other:
        assert other.stdout is not None
        revision = int(other.stdout.readline())
        for _ in range(3):
            process.turn()
        answer = process.reader.effective()
    assert (answer.revision, answer.freshness) == (revision, Freshness.FRESH)
