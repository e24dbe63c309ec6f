"""What others wrote is here as they wrote it, listed with where it came from."""

import hashlib
import tomllib
from base64 import b64encode
from pathlib import Path

import pytest

from tests.guards.tree import ROOT

FOLDERS = [ROOT / "static/vendor", ROOT / "tests/vendor"]
KEYS = {"package", "version", "member", "licence", "licence_file", "integrity", "sha384"}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.parent.name)
def test_every_vendored_file_is_listed_with_its_hash_and_licence(folder: Path) -> None:
    listed = tomllib.loads((folder / "vendor.toml").read_text())
    for name, entry in listed.items():
        digest = hashlib.sha384((folder / name).read_bytes()).digest()
        assert entry["sha384"] == f"sha384-{b64encode(digest).decode()}"
        assert (folder / entry["licence_file"]).is_file()
        assert set(entry) == KEYS
    known = {*listed, "vendor.toml", *(entry["licence_file"] for entry in listed.values())}
    there = {path.name for path in folder.iterdir()}
    assert {name for name in there - known if ".LICENSE" not in name} == set()
