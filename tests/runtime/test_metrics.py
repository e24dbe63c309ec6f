"""What `/metrics` says of the reader."""

from contextlib import closing
from pathlib import Path

import pytest

from flagctl.runtime.in_flight import InFlight
from flagctl.runtime.metrics import Metrics
from flagctl.store.files import DataFiles
from flagctl.store.migrate import upgrade
from flagctl.store.mode_reader import ModeReader
from flagctl.vocabulary import ModeSignal


@pytest.mark.parametrize("signal", [ModeSignal.PLAIN, ModeSignal.FAST])
def test_it_tells_which_signal_runs_and_how_often_the_mode_was_read(
    tmp_path: Path, signal: ModeSignal
) -> None:
    upgrade(DataFiles(tmp_path))
    with closing(ModeReader(tmp_path, signal=signal)) as reader:
        for _ in range(4):
            reader.read()
        lines = Metrics(reader, InFlight()).text().decode().splitlines()
    assert f'flagctl_signal{{signal="{signal}"}} 1.0' in lines
    assert sum(line.startswith("flagctl_signal{") and line.endswith(" 1.0") for line in lines) == 1
    assert "flagctl_signal_fall_backs_total 0.0" in lines
    assert 'flagctl_mode_answers_total{freshness="fresh"} 4.0' in lines
