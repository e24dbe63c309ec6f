import json
from pathlib import Path

import pytest

from flagctl.adapter.policy_file import PolicyFile
from flagctl.adapter.sample_policy import SAMPLE, copy_sample_policy


def test_the_sample_policy_is_copied_whole_and_can_be_used(tmp_path: Path) -> None:
    path = tmp_path / "policy.json"
    assert copy_sample_policy(path)
    assert path.read_bytes() == SAMPLE.read_bytes()
    assert list(PolicyFile(path).policy().mappings) == ["standard", "highmem"]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("content", ["", json.dumps({"mine": 1})])
def test_a_policy_that_stands_there_already_is_left_alone(tmp_path: Path, content: str) -> None:
    path = tmp_path / "policy.json"
    path.write_text(content)
    assert not copy_sample_policy(path)
    assert path.read_text() == content
    assert list(tmp_path.iterdir()) == [path]
