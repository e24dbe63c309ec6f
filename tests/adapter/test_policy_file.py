import json
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from itertools import count
from pathlib import Path

import pytest

from flagctl.adapter.policy_file import PolicyFile
from flagctl.adapter.sample_policy import SAMPLE
from flagctl.domain.boundary import SlurmPolicyConfigError
from tests.adapter.policies import ROUTING, Clock, complaint

OTHER = SAMPLE.read_bytes().replace(b"720", b"900")


def minutes(file: PolicyFile) -> int:
    return file.policy().mappings["highmem"].max_walltime_minutes


def by_rename(path: Path, content: bytes) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_bytes(content)
    fresh.replace(path)


def in_place(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def in_place_with_the_old_times(path: Path, content: bytes) -> None:
    before = path.stat()
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def by_symlink(path: Path, content: bytes) -> None:
    target = path.with_suffix(".v2")
    target.write_bytes(content)
    link = path.with_suffix(".link")
    link.symlink_to(target)
    link.replace(path)


WRITES = [by_rename, in_place, in_place_with_the_old_times, by_symlink]


def test_a_policy_is_parsed_once_while_its_file_stays_the_same(path: Path, clock: Clock) -> None:
    file = PolicyFile(path, monotonic=clock)
    first = file.policy()
    for _ in range(5):
        clock.pass_interval()
        assert file.policy() is first
    assert first == ROUTING


def in_the_way(path: Path) -> None:
    path.unlink()
    path.mkdir()


NOTHING_NEW: dict[str, Callable[[Path], object]] = {
    "a policy": lambda path: path,
    "no policy": lambda path: path.write_text("{"),
    "no file": Path.unlink,
    "a directory": in_the_way,
}


@pytest.mark.parametrize("make", NOTHING_NEW.values(), ids=NOTHING_NEW.keys())
def test_as_long_as_nothing_is_new_a_reading_is_the_same_object(
    path: Path, clock: Clock, make: Callable[[Path], object]
) -> None:
    make(path)
    file = PolicyFile(path, monotonic=clock)
    for _ in range(2):
        clock.pass_interval()
        known = file.reading()
    for _ in range(5):
        clock.pass_interval()
        assert file.reading() is known


def test_a_file_that_stays_the_same_is_read_twice_and_then_only_looked_at(
    path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[object] = []
    really_open = os.open

    def count_and_open(name: str, flags: int) -> int:
        opened.append(name)
        return really_open(name, flags)

    monkeypatch.setattr(os, "open", count_and_open)
    file = PolicyFile(path, monotonic=clock)
    for _ in range(5):
        clock.pass_interval()
        file.policy()
    assert opened == [str(path), str(path)]


@pytest.mark.parametrize("write", WRITES)
def test_a_new_version_is_used_within_50_ms(
    path: Path, clock: Clock, write: Callable[[Path, bytes], None]
) -> None:
    file = PolicyFile(path, monotonic=clock)
    clock.pass_interval()
    assert minutes(file) == 720
    write(path, OTHER)
    clock.now_s += 0.05
    assert minutes(file) == 900


def test_a_write_that_leaves_size_and_times_alone_is_noticed_by_the_second_look(
    path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two writes within one tick of the file system's clock look the same from outside."""
    monkeypatch.setattr("flagctl.adapter.policy_file._signature", lambda status: (1, 2, 3, 4, 5))
    file = PolicyFile(path, monotonic=clock)
    path.write_bytes(OTHER)
    clock.pass_interval()
    assert minutes(file) == 900


def test_the_disk_is_looked_at_no_more_than_every_50_ms(path: Path, clock: Clock) -> None:
    file = PolicyFile(path, monotonic=clock)
    path.unlink()
    clock.now_s += 0.049
    assert minutes(file) == 720
    clock.now_s += 0.001
    assert "no such file" in complaint(file)


def test_a_broken_new_version_is_an_error_and_never_the_old_one(path: Path, clock: Clock) -> None:
    file = PolicyFile(path, monotonic=clock)
    path.write_bytes(b"{}")
    for _ in range(3):
        clock.pass_interval()
        assert "$.queue_mappings is missing" in complaint(file)


def test_a_file_seen_half_written_heals_when_it_is_complete(path: Path, clock: Clock) -> None:
    whole = path.read_bytes()
    file = PolicyFile(path, monotonic=clock)
    with path.open("wb") as writer:
        writer.write(whole[:200])
        writer.flush()
        clock.pass_interval()
        assert "is not JSON" in complaint(file)
        writer.write(whole[200:])
    clock.pass_interval()
    assert file.policy() == ROUTING


def test_a_file_that_comes_back_is_used_again(path: Path, clock: Clock) -> None:
    whole = path.read_bytes()
    path.unlink()
    file = PolicyFile(path, monotonic=clock)
    assert "no such file" in complaint(file)
    path.write_bytes(whole)
    clock.pass_interval()
    assert file.policy() == ROUTING


def test_the_sha256_of_the_bytes_is_known_also_when_they_are_no_policy(
    path: Path, clock: Clock
) -> None:
    file = PolicyFile(path, monotonic=clock)
    assert file.reading().sha256 == sha256(SAMPLE.read_bytes()).hexdigest()
    path.write_bytes(b"[]")
    clock.pass_interval()
    assert file.reading().sha256 == sha256(b"[]").hexdigest()
    path.unlink()
    clock.pass_interval()
    assert file.reading().sha256 is None
    assert file.reading().problem == complaint(file)


def test_an_error_is_a_new_one_each_time(path: Path, clock: Clock) -> None:
    """One exception raised again and again would gather tracebacks without end."""
    path.write_bytes(b"[]")
    file = PolicyFile(path, monotonic=clock)
    raised = []
    for _ in range(2):
        with pytest.raises(SlurmPolicyConfigError) as caught:
            file.policy()
        raised.append(caught.value)
    assert raised[0] is not raised[1]


def test_threads_see_whole_policies_while_new_versions_are_renamed_in(path: Path) -> None:
    every_call_looks = count().__next__
    file = PolicyFile(path, monotonic=every_call_looks)
    versions = range(100, 120)
    done = threading.Event()

    def follow() -> set[int]:
        seen = {minutes(file)}
        while not done.is_set():
            seen.add(minutes(file))
        return seen

    with ThreadPoolExecutor(2) as pool:
        followers = [pool.submit(follow) for _ in range(2)]
        for version in versions:
            by_rename(path, SAMPLE.read_bytes().replace(b"720", b"%d" % version))
        done.set()
        assert all(follower.result() <= {720, *versions} for follower in followers)
    assert minutes(file) == versions[-1]


def test_a_process_forked_meanwhile_follows_the_file(path: Path, clock: Clock) -> None:
    file = PolicyFile(path, monotonic=clock)
    child = os.fork()
    if child == 0:
        path.write_bytes(json.dumps(json.loads(OTHER)).encode())
        clock.pass_interval()
        os._exit(0 if minutes(file) == 900 else 1)
    assert os.waitpid(child, 0)[1] == 0
    clock.pass_interval()
    assert minutes(file) == 900
