from pathlib import Path

import pytest

from benchmarks.__main__ import fill, main, table
from benchmarks.measure import Result, interleaved, summary


def test_each_runs_once_a_round_in_changing_order_and_the_warm_up_is_not_counted() -> None:
    calls: list[str] = []
    funcs = {"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}
    first, second = interleaved(funcs, rounds=20)
    rounds = ["".join(pair) for pair in zip(calls[::2], calls[1::2], strict=True)]
    assert len(rounds) == 22
    assert set(rounds) == {"ab", "ba"}
    assert (first.name, first.n, first.unit) == ("a", 20, "µs")
    assert second.name == "b"


def test_inner_calls_are_named_in_the_note() -> None:
    (result,) = interleaved({"a": lambda: None}, rounds=2, inner=5)
    assert result.note == "mean of 5 per sample"
    assert result.n == 2


def test_samples_are_reduced_to_median_and_99th_percentile() -> None:
    result = summary("a", [float(value) for value in range(101)], "ms")
    assert (result.median, result.p99, result.n) == (50, 99, 101)
    assert summary("a", [3.0], "ms").p99 == 3


def test_the_table_is_aligned_markdown() -> None:
    head, rule, row = table([Result("a", 1.234, 20, "µs", 5, "cold")]).splitlines()
    assert row.split() == ["|", "a", "|", "1.23", "|", "20", "|", "µs", "|", "5", "|", "cold", "|"]
    assert len(head) == len(rule) == len(row)


def test_a_table_takes_the_place_of_the_one_before_and_the_page_stays(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# It\n\n<!-- measured: a -->\nold\nolder\n<!-- end -->\n\nwords\n")
    fill(page, "b", "none of it")
    fill(page, "a", "new")
    fill(page, "a", "newest")
    told = "# It\n\n<!-- measured: a -->\nnewest\n<!-- end -->\n\nwords\n"
    assert page.read_text() == told


def test_an_unknown_benchmark_is_refused_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "out.md"
    with pytest.raises(SystemExit, match="2"):
        main(["no-such-question", "--write", str(target)])
    assert "no such benchmark" in capsys.readouterr().err
    assert not target.exists()
