"""The files of `docs/deploy` say what the commands and settings really are."""

import configparser
import re
from pathlib import Path

import pytest

from flagctl.settings import Settings, load_settings, setting_lines

DEPLOY = Path(__file__).parents[2] / "docs" / "deploy"
UNITS = sorted(DEPLOY.glob("*.service"))


def unit(path: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(path, encoding="utf-8")
    return parser


def shared_environment() -> dict[str, str]:
    lines = (DEPLOY / "flagctl.env").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_each_unit_runs_a_flagctl_command_as_the_group_that_owns_the_data(path: Path) -> None:
    service = unit(path)["Service"]
    assert re.search(r"/opt/flagctl/bin/flagctl (web|runtime|db backup) ", service["ExecStart"])
    assert service["Group"] == "flagctl"
    assert service["UMask"] == "0007"
    assert shared_environment()["FLAGCTL_DATA_DIR"] in service["ReadWritePaths"].split()


def test_the_shared_environment_holds_only_settings_that_exist() -> None:
    known = {line.name for line in setting_lines(Settings(), {})}
    assert set(shared_environment()) <= known
    assert load_settings(shared_environment()).environment == "production"


def test_the_data_directory_belongs_to_the_group_and_hands_it_on() -> None:
    text = (DEPLOY / "flagctl.tmpfiles").read_text(encoding="utf-8")
    assert f"d {shared_environment()['FLAGCTL_DATA_DIR']} 2770 root flagctl" in text
