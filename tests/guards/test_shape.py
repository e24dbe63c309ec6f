"""Sizes and names: what keeps a file readable in one sitting."""

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from statistics import median, quantiles

import pytest

from tests.guards.tree import Source, calls_and_names, sources

FILE_LINES = 300
TEMPLATE_LINES = 120
FUNCTION_MEDIAN_LINES = 10
FUNCTION_P95_LINES = 40
VAGUE = {"util", "utils", "helper", "helpers", "misc", "common"}
SLEEP = re.compile(r"\b(time\.sleep|asyncio\.sleep|anyio\.sleep)$|\.wait_for_timeout$")

type_of_function = ast.FunctionDef | ast.AsyncFunctionDef


def too_long(source: Source, limit: int) -> Iterator[str]:
    if source.line_count > limit:
        yield source.at(source.line_count, f"more than {limit} lines: it holds two ideas")


def vague_names(source: Source) -> Iterator[str]:
    path = PurePosixPath(source.path)
    for part in {path.stem, *path.parts} & VAGUE:
        yield source.at(1, f"{part!r} says nothing: name it after what it does")


def sleeps(source: Source) -> Iterator[str]:
    for line, name in calls_and_names(source):
        if SLEEP.search(name):
            yield source.at(line, f"{name}: move the clock, or wait for the thing itself")


def function_lengths(source: Source) -> list[int]:
    """Lines of each function from `def` to its end, its docstring not counted."""
    return [
        (node.end_lineno or node.lineno) - node.lineno + 1 - _docstring_lines(node)
        for node in ast.walk(source.syntax)
        if isinstance(node, type_of_function)
    ]


def _docstring_lines(node: type_of_function) -> int:
    if ast.get_docstring(node, clean=False) is None:
        return 0
    first = node.body[0]
    return (first.end_lineno or first.lineno) - first.lineno + 1


def too_long_on_the_whole(lengths: Sequence[int]) -> Iterator[str]:
    """Complaints about the median and the 95th percentile of function lengths."""
    if len(lengths) < 2:
        return
    if (middle := median(lengths)) > FUNCTION_MEDIAN_LINES:
        yield f"the median function has {middle} lines, more than {FUNCTION_MEDIAN_LINES}"
    if (high := quantiles(lengths, n=20, method="inclusive")[-1]) > FUNCTION_P95_LINES:
        yield f"the 95th percentile of functions has {high} lines, more than {FUNCTION_P95_LINES}"


def own_sources() -> list[Source]:
    return [each for each in sources("flagctl", "tests") if "/vendor/" not in each.path]


def test_no_python_file_is_longer_than_300_lines() -> None:
    found = [each for source in own_sources() for each in too_long(source, FILE_LINES)]
    assert not found, "\n".join(found)


def test_no_template_is_longer_than_120_lines() -> None:
    templates = sources("templates", suffix="")
    found = [each for source in templates for each in too_long(source, TEMPLATE_LINES)]
    assert not found, "\n".join(found)


def test_no_module_has_a_name_that_says_nothing() -> None:
    found = [each for source in own_sources() for each in vague_names(source)]
    assert not found, "\n".join(found)


def test_no_test_sleeps() -> None:
    found = [each for source in sources("tests") for each in sleeps(source)]
    assert not found, "\n".join(found)


def test_functions_are_short_on_the_whole() -> None:
    lengths = [each for source in sources("flagctl") for each in function_lengths(source)]
    assert not list(too_long_on_the_whole(lengths))


def test_a_long_file_is_found() -> None:
    assert list(too_long(Source("flagctl/a.py", "x = 1\n" * 301), FILE_LINES))
    assert not list(too_long(Source("flagctl/a.py", "x = 1\n" * 300), FILE_LINES))


@pytest.mark.parametrize("path", ["flagctl/utils.py", "flagctl/helpers/x.py", "tests/web/utils.py"])
def test_a_name_that_says_nothing_is_found(path: str) -> None:
    assert list(vague_names(Source(path, "")))


@pytest.mark.parametrize(
    "text",
    ["import time\ntime.sleep(1)", "from asyncio import sleep", "page.wait_for_timeout(50)"],
)
def test_a_sleep_is_found(text: str) -> None:
    assert list(sleeps(Source("tests/web/test_home.py", text)))


def test_a_function_is_measured_without_its_docstring() -> None:
    text = 'def f():\n    """One.\n\n    Two.\n    """\n    return 1\n'
    assert function_lengths(Source("flagctl/a.py", text)) == [2]


def test_long_functions_are_found() -> None:
    assert len(list(too_long_on_the_whole([11] * 10))) == 1
    assert len(list(too_long_on_the_whole([3] * 90 + [50] * 10))) == 1
    assert not list(too_long_on_the_whole([10] * 95 + [40] * 5))
