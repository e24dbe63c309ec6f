import json
import os
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from itertools import count
from pathlib import Path

import pytest

from flagctl.adapter.policy_file import CHECK_INTERVAL_S, PolicyFile
from flagctl.adapter.sample_policy import SAMPLE
from flagctl.domain.boundary import SlurmPolicyConfigError
from flagctl.domain.policy import POLICY_MAX_BYTES
from tests.adapter.policies import ROUTING

OTHER = SAMPLE.read_bytes().replace(b"720", b"900")


class Clock:
    """A monotonic clock that the test moves."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s

    def pass_interval(self) -> None:
        self.now_s += CHECK_INTERVAL_S


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "policy.json"
    path.write_bytes(SAMPLE.read_bytes())
    return path


def minutes(file: PolicyFile) -> int:
    return file.policy().mappings["highmem"].max_walltime_minutes


def complaint(file: PolicyFile) -> str:
    with pytest.raises(SlurmPolicyConfigError) as caught:
        file.policy()
    return str(caught.value)


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
    file = PolicyFile(path, monotonic_s=clock)
    first = file.policy()
    for _ in range(5):
        clock.pass_interval()
        assert file.policy() is first
    assert first == ROUTING


@pytest.mark.parametrize("write", WRITES)
def test_a_new_version_is_used_within_50_ms(
    path: Path, clock: Clock, write: Callable[[Path, bytes], None]
) -> None:
    file = PolicyFile(path, monotonic_s=clock)
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
    file = PolicyFile(path, monotonic_s=clock)
    path.write_bytes(OTHER)
    clock.pass_interval()
    assert minutes(file) == 900


def test_the_disk_is_looked_at_no_more_than_every_50_ms(path: Path, clock: Clock) -> None:
    file = PolicyFile(path, monotonic_s=clock)
    path.unlink()
    clock.now_s += 0.049
    assert minutes(file) == 720
    clock.now_s += 0.001
    assert "no such file" in complaint(file)


def test_a_broken_new_version_is_an_error_and_never_the_old_one(path: Path, clock: Clock) -> None:
    file = PolicyFile(path, monotonic_s=clock)
    path.write_bytes(b"{}")
    for _ in range(3):
        clock.pass_interval()
        assert "$.queue_mappings is missing" in complaint(file)


def test_a_file_seen_half_written_heals_when_it_is_complete(path: Path, clock: Clock) -> None:
    whole = path.read_bytes()
    file = PolicyFile(path, monotonic_s=clock)
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
    file = PolicyFile(path, monotonic_s=clock)
    assert "no such file" in complaint(file)
    path.write_bytes(whole)
    clock.pass_interval()
    assert file.policy() == ROUTING


def a_directory(path: Path) -> None:
    path.mkdir()


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def a_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def a_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))


def a_loop(path: Path) -> None:
    path.symlink_to(path)


def a_dangling_link(path: Path) -> None:
    path.symlink_to(path.with_name("nowhere"))


def under_a_file(path: Path) -> None:
    path.with_name("file").touch()
    path.symlink_to(path.with_name("file") / "policy.json")


def over_1_mib(path: Path) -> None:
    path.write_bytes(SAMPLE.read_bytes().ljust(POLICY_MAX_BYTES + 1))


def huge_and_sparse(path: Path) -> None:
    path.touch()
    os.truncate(path, 1 << 40)


def in_latin_1(path: Path) -> None:
    path.write_bytes(SAMPLE.read_text().replace("chem", "chémie").encode("latin-1"))


NOT_A_POLICY: dict[Callable[[Path], None], str] = {
    a_directory: "it is a directory. Put a regular file there.",
    a_pipe: "it is a named pipe.",
    a_device: "it is a device.",
    a_socket: "it is a socket.",
    a_loop: "Too many levels of symbolic links.",
    a_dangling_link: "there is no such file. Put it there, or correct the path.",
    under_a_file: "Not a directory.",
    over_1_mib: "at most 1048576 (1 MiB) are read.",
    huge_and_sparse: "it has 1099511627776 bytes; at most 1048576 (1 MiB) are read.",
    in_latin_1: "it is not UTF-8",
}


@pytest.mark.parametrize(("put", "said"), NOT_A_POLICY.items())
def test_what_is_no_policy_file_is_a_configuration_error_that_says_so(
    path: Path, clock: Clock, put: Callable[[Path], None], said: str
) -> None:
    path.unlink()
    put(path)
    message = complaint(PolicyFile(path, monotonic_s=clock))
    assert message.startswith(f"The queue policy {path} (ZPE_SLURM_POLICY_PATH) can't be used: ")
    assert said in message


@pytest.mark.parametrize("put", [a_directory, a_pipe])
def test_a_policy_replaced_by_no_file_is_an_error_at_once(
    path: Path, clock: Clock, put: Callable[[Path], None]
) -> None:
    file = PolicyFile(path, monotonic_s=clock)
    path.unlink()
    put(path)
    clock.pass_interval()
    assert "Put a regular file there." in complaint(file)


def test_a_file_that_may_not_be_read_is_a_configuration_error(
    path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Root may read everything, so the refusal itself has to be put in.
    def refuse(name: str, flags: int) -> int:
        raise PermissionError(13, "Permission denied", name)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        file = PolicyFile(path, monotonic_s=clock)
        assert "Permission denied. Let this process read it" in complaint(file)
    clock.pass_interval()
    assert file.policy() == ROUTING


def test_the_sha256_of_the_bytes_is_known_also_when_they_are_no_policy(
    path: Path, clock: Clock
) -> None:
    file = PolicyFile(path, monotonic_s=clock)
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
    file = PolicyFile(path, monotonic_s=clock)
    raised = []
    for _ in range(2):
        with pytest.raises(SlurmPolicyConfigError) as caught:
            file.policy()
        raised.append(caught.value)
    assert raised[0] is not raised[1]


def test_threads_see_whole_policies_while_new_versions_are_renamed_in(path: Path) -> None:
    every_call_looks = count().__next__
    file = PolicyFile(path, monotonic_s=every_call_looks)
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
    file = PolicyFile(path, monotonic_s=clock)
    child = os.fork()
    if child == 0:
        path.write_bytes(json.dumps(json.loads(OTHER)).encode())
        clock.pass_interval()
        os._exit(0 if minutes(file) == 900 else 1)
    assert os.waitpid(child, 0)[1] == 0
    clock.pass_interval()
    assert minutes(file) == 900
