import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from flagctl.adapter.policy_file import PolicyFile
from flagctl.adapter.sample_policy import SAMPLE
from flagctl.domain.policy import POLICY_MAX_BYTES
from tests.adapter.policies import ROUTING, Clock, complaint


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
    message = complaint(PolicyFile(path, monotonic=clock))
    assert message.startswith(f"The queue policy {path} (ZPE_SLURM_POLICY_PATH) can't be used: ")
    assert said in message


@pytest.mark.parametrize("put", [a_directory, a_pipe])
def test_a_policy_replaced_by_no_file_is_an_error_at_once(
    path: Path, clock: Clock, put: Callable[[Path], None]
) -> None:
    file = PolicyFile(path, monotonic=clock)
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
        file = PolicyFile(path, monotonic=clock)
        assert "Permission denied. Let this process read it" in complaint(file)
    clock.pass_interval()
    assert file.policy() == ROUTING
