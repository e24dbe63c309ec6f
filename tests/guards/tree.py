"""The files of the working tree, parsed, as the guards look at them."""

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Source:
    """One file: its path from the root of the tree, and its text."""

    path: str
    text: str

    @cached_property
    def syntax(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    @property
    def line_count(self) -> int:
        return len(self.text.splitlines())

    def at(self, line: int, complaint: str) -> str:
        return f"{self.path}:{line}: {complaint}"


@cache
def tree_files() -> tuple[str, ...]:
    """Every file that is, or would be, committed; also those that are not tracked yet."""
    # In CI the clone may belong to another user, which git refuses unless told.
    git = ["git", "-c", f"safe.directory={ROOT}"]
    listing = subprocess.run(
        [*git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return tuple(sorted(name for name in set(listing.split("\0")) if (ROOT / name).is_file()))


def sources(*folders: str, suffix: str = ".py") -> list[Source]:
    """The text files under `folders` (none: the whole tree) whose names end in `suffix`."""
    wanted = tuple(f"{folder}/" for folder in folders)
    return [
        Source(name, text)
        for name in tree_files()
        if name.endswith(suffix) and (not wanted or name.startswith(wanted))
        if (text := read_text(name)) is not None
    ]


@cache
def read_text(name: str) -> str | None:
    """The file's text; None when it is not text."""
    try:
        return (ROOT / name).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def calls_and_names(source: Source) -> Iterator[tuple[int, str]]:
    """Line and dotted name of each attribute and each imported name: `os.environ`, `x.commit`."""
    for node in ast.walk(source.syntax):
        if isinstance(node, ast.Attribute):
            yield node.lineno, ast.unparse(node)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield node.lineno, f"{node.module}.{alias.name}"


def string_constants(source: Source) -> Iterator[tuple[int, str]]:
    """Line and value of each string constant that is no docstring, also of an attribute."""
    documentation = {
        id(node.value) for node in ast.walk(source.syntax) if isinstance(node, ast.Expr)
    }
    for node in ast.walk(source.syntax):
        match node:
            case ast.Constant(value=str(value)) if id(node) not in documentation:
                yield node.lineno, value
