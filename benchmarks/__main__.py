"""Runs `benchmarks/bench_*.py` and prints one table; each has `run() -> list[Result]`."""

import argparse
import os
import platform
import sqlite3
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from benchmarks.measure import Result

HERE = Path(__file__).parent
NEEDS_ROOT = "slurm"
"""Benchmarks of this name start a real Slurm cluster (tests/slurm/cluster)."""


def main(argv: Sequence[str] | None = None) -> int:
    options = parse(argv)
    names = options.only or [name for name in bench_names() if not name.startswith(NEEDS_ROOT)]
    report = [machine()]
    for name in names:
        title, results = measured(name)
        report.append(f"## {title}\n\n{table(results)}\n")
        print(report[-1], flush=True)
        if options.write:
            draw(name, results, options.write.parent)
        if options.into:
            draw(name, results, options.into.parent)
            fill(options.into, name, f"{report[0]}\n{load()}\n\n{table(results)}")
    if options.write:
        options.write.write_text("\n".join(report), encoding="utf-8")
    return 0


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument(
        "only",
        nargs="*",
        help=f"of {', '.join(bench_names())}; default: all that need no root and no Slurm",
    )
    what = "keep the tables as Markdown, and the pictures beside them"
    parser.add_argument("--write", type=Path, metavar="FILE", help=what)
    what = "renew the tables in a page, between `<!-- measured: NAME -->` and `<!-- end -->`"
    parser.add_argument("--into", type=Path, metavar="PAGE", help=what)
    options = parser.parse_args(argv)
    if unknown := set(options.only) - set(bench_names()):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    return options


def bench_names() -> list[str]:
    return sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))


def measured(name: str) -> tuple[str, list[Result]]:
    """Run one module; its title and its results."""
    module = import_module(f"benchmarks.bench_{name}")
    return (module.__doc__ or name).strip().splitlines()[0], module.run()


def draw(name: str, results: list[Result], folder: Path) -> None:
    """Write the picture of a module that has one."""
    module = import_module(f"benchmarks.bench_{name}")
    if hasattr(module, "picture"):
        picture = folder / f"{name.replace('_', '-')}.svg"
        picture.write_text(module.picture(results), encoding="utf-8")


def fill(page: Path, name: str, text: str) -> None:
    """Put the text in its place in the page; a page without a place for it stays as it is."""
    begin, end = f"<!-- measured: {name} -->\n", "<!-- end -->"
    before, found, rest = page.read_text(encoding="utf-8").partition(begin)
    if found:
        _old, _end, after = rest.partition(end)
        page.write_text(f"{before}{begin}{text}\n{end}{after}", encoding="utf-8")


def load() -> str:
    """How busy the machine was: the load average of the last minute, one of it by the run."""
    return f"Load average at the end: {os.getloadavg()[0]:.1f}."


def machine() -> str:
    """What the numbers were measured on; ratios travel to other machines, figures do not."""
    text = (
        f"Measured on {cpu_model()}, {os.cpu_count()} cores, {platform.system()}"
        f" {platform.release()}, Python {platform.python_version()},"
        f" SQLite {sqlite3.sqlite_version}.\n"
    )
    print(text, flush=True)
    return text


def cpu_model() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.processor() or platform.machine())


def table(results: Sequence[Result]) -> str:
    head = ("what", "median", "99th", "unit", "n", "note")
    rows = [head, *(cells(each) for each in results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = [markdown_row(row, widths) for row in rows]
    rule = "|".join(["", *("-" * (width + 2) for width in widths), ""])
    return "\n".join([lines[0], rule, *lines[1:]])


def cells(each: Result) -> tuple[str, ...]:
    figures = figure(each.median), figure(each.p99)
    return (each.name, *figures, each.unit, str(each.n), each.note)


def figure(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def markdown_row(row: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
    return f"| {' | '.join(padded)} |"


if __name__ == "__main__":
    sys.exit(main())
