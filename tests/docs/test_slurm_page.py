"""What docs/slurm.md tells people to type is what flagctl takes."""

import re
import subprocess
import sys
from pathlib import Path

from flagctl.settings import load_settings
from flagctl.slurm import child
from tests.guards.tree import ROOT

PAGE = (ROOT / "docs" / "slurm.md").read_text(encoding="utf-8")


def test_its_command_prints_where_the_child_lies() -> None:
    (program,) = re.findall(r'^python3 -c "(.+)"$', PAGE, re.MULTILINE)
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert Path(done.stdout.strip()) == Path(child.__file__)


def test_every_way_to_start_the_child_is_taken_as_it_is_written() -> None:
    lines = re.findall(r"^FLAGCTL_SLURM_CHILD=(.+)$", PAGE, re.MULTILINE)
    assert len(lines) == 3
    for line in lines:
        assert load_settings({"FLAGCTL_SLURM_CHILD": line}).slurm_child == tuple(line.split())


def test_the_limit_that_it_tells_is_the_childs() -> None:
    assert f"ends {child.GRACE_S:g} s after its deadline" in PAGE
