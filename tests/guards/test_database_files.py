"""SQLite's files are opened by SQLite only.

POSIX locks belong to the process: whoever closes a descriptor of a database file, or of its WAL
index, drops every lock that SQLite holds on it in the same process, and a second writer may start.
"""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.guards.tree import Source, sources

# The mapping of the WAL index, which keeps its descriptor as long as the process lives.
MAPPING = "flagctl/store/wal_index.py"

OPENS = re.compile(
    r"(^|\.)(open|fdopen|open_code|mmap|read_bytes|read_text|write_bytes|write_text|touch"
    r"|truncate|copy|copy2|copyfile|copytree|move)$"
)
DATABASE = re.compile(r"\.(control|submissions|runtime)\b|\bcontrol\b|-shm\b|-wal\b|\.db\b")


def opened_databases(source: Source) -> Iterator[str]:
    if source.path == MAPPING:
        return
    for node in ast.walk(source.syntax):
        if not isinstance(node, ast.Call) or not OPENS.search(ast.unparse(node.func)):
            continue
        if DATABASE.search(call := ast.unparse(node)):
            yield source.at(node.lineno, f"{call}: SQLite alone may open it")


def test_nothing_opens_a_database_file_past_sqlite() -> None:
    found = [each for source in sources("flagctl") for each in opened_databases(source)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "text",
    [
        "open(files.control)",
        "with files.control.open('rb') as file: pass",
        "os.open(f'{path}-shm', os.O_RDONLY)",
        "shutil.copyfile(files.submissions, target)",
        "Path('control.db').read_bytes()",
    ],
)
def test_opening_a_database_file_is_found_anywhere_but_in_the_mapping(text: str) -> None:
    assert list(opened_databases(Source("flagctl/store/backup.py", text)))
    assert not list(opened_databases(Source(MAPPING, text)))


def test_other_files_may_be_opened() -> None:
    assert not list(opened_databases(Source("flagctl/store/claims.py", "path.open('r')")))
