import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flagctl.store.break_glass import look
from flagctl.vocabulary import EMERGENCY_MODE, Mode

CONTENTS = {
    "nothing at all": (b"", EMERGENCY_MODE),
    "the mode to fall back to": (b"stub-policy", Mode.STUB_POLICY),
    "a line and white space": (b"  stub-policy \n", Mode.STUB_POLICY),
    "the safest mode": (b"passthrough\n", Mode.PASSTHROUGH),
    "the mode to get away from": (b"real-policy\n", EMERGENCY_MODE),
    "a word that is no mode": (b"stub", EMERGENCY_MODE),
    "another case": (b"Stub-Policy", EMERGENCY_MODE),
    "a mode and more": (b"stub-policy because of the outage", EMERGENCY_MODE),
    "a mode and a second line": (b"stub-policy\npassthrough\n", EMERGENCY_MODE),
    "bytes that are no text": (b"\xff\xfe\x00stub-policy", EMERGENCY_MODE),
    "a mode after much white space": (b" " * 100 + b"stub-policy", EMERGENCY_MODE),
    "a mode before a megabyte": (b"stub-policy" + b"\n" * 2**20, EMERGENCY_MODE),
}


@pytest.mark.parametrize(("content", "mode"), CONTENTS.values(), ids=CONTENTS.keys())
def test_the_content_is_one_mode_or_means_the_safest(
    tmp_path: Path, content: bytes, mode: Mode
) -> None:
    path = tmp_path / "BREAK_GLASS"
    path.write_bytes(content)
    found = look(path)
    assert found is not None
    assert found.mode is mode


KINDS: dict[str, Callable[[Path], object]] = {
    "a directory": Path.mkdir,
    "a FIFO that nobody writes to": os.mkfifo,
    "a link to nowhere": lambda path: path.symlink_to("nowhere"),
    "a link to itself": lambda path: path.symlink_to(path.name),
    "a link to a device": lambda path: path.symlink_to("/dev/zero"),
}


@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS.keys())
def test_whatever_is_no_regular_file_means_the_safest(
    tmp_path: Path, make: Callable[[Path], object]
) -> None:
    path = tmp_path / "BREAK_GLASS"
    make(path)
    found = look(path)
    assert found is not None
    assert found.mode is EMERGENCY_MODE


def test_no_file_is_no_break_glass(tmp_path: Path) -> None:
    assert look(tmp_path / "BREAK_GLASS") is None
    assert look(tmp_path / "nowhere" / "BREAK_GLASS") is None


def test_a_data_directory_that_is_a_file_holds_no_break_glass(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    assert look(tmp_path / "data" / "BREAK_GLASS") is None


def test_it_tells_who_made_the_file_and_when(tmp_path: Path) -> None:
    path = tmp_path / "BREAK_GLASS"
    path.touch()
    os.utime(path, (0, 1_800_000_000))
    found = look(path)
    assert found is not None
    assert found.path == path
    assert found.file_owner == path.owner()
    assert found.host == os.uname().nodename
    assert found.modified_at == datetime.fromtimestamp(1_800_000_000, UTC)


def test_an_owner_without_a_name_is_told_by_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody_has_it(uid: int) -> object:
        raise KeyError(uid)

    monkeypatch.setattr("pwd.getpwuid", nobody_has_it)
    path = tmp_path / "BREAK_GLASS"
    path.touch()
    found = look(path)
    assert found is not None
    assert found.file_owner == str(path.stat().st_uid)


def test_where_nobody_can_tell_the_last_sight_stands(tmp_path: Path) -> None:
    path = tmp_path / "BREAK_GLASS"
    path.touch()
    last = look(path)
    unspeakable = tmp_path / ("x" * 300)
    assert look(unspeakable, last) is last
    assert look(unspeakable) is None
