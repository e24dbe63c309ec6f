"""What may be done in one place only, because every other place relies on it."""

import re
from collections.abc import Iterator

import pytest

from tests.guards.tree import Source, calls_and_names, sources, string_constants

SETTINGS = "flagctl/settings.py"
VOCABULARY = "flagctl/vocabulary.py"

ENVIRONMENT = re.compile(r"\bos\.(environb?|getenvb?|putenv|unsetenv)\b")
# SQLAlchemy's `begin` commits when its block ends.
COMMIT_CALL = re.compile(r"\.(commit|begin)$")
TRANSACTION = re.compile(r"\b(BEGIN|COMMIT)\b")
WRITE_LOCK = re.compile(r"\bBEGIN (IMMEDIATE|EXCLUSIVE)\b")
MODES = re.compile(r"(?<![\w-])(passthrough|stub-policy|real-policy)(?![\w-])")

# Files that may begin and commit, and why each of them.
WRITERS = {
    "flagctl/store/transaction.py": "the one way to change control.db, for acts and for a restore",
    "flagctl/store/submissions.py": "submissions.db is a file of its own",
    "flagctl/store/submission_file.py": "its schema changes under its own lock",
    "flagctl/store/runtime_db.py": "runtime.db is a file of its own",
    "flagctl/store/migrate.py": "the schema changes while nothing else runs",
}

# Files that may hold several reads together, on a connection opened with `mode=ro`.
READERS = {
    "flagctl/store/reading.py": "flags, tokens and revision are of one moment",
    "flagctl/store/kept.py": "as above, on a connection that was opened before",
}


def environment_reads(source: Source) -> Iterator[str]:
    for line, name in calls_and_names(source):
        if source.path != SETTINGS and ENVIRONMENT.search(name):
            yield source.at(line, f"{name}: only settings.py knows the environment")


def transactions(source: Source) -> Iterator[str]:
    if source.path in WRITERS:
        return
    for line, name in calls_and_names(source):
        if COMMIT_CALL.search(name):
            yield source.at(line, f"{name}: only {', '.join(WRITERS)} commit")
    statement = WRITE_LOCK if source.path in READERS else TRANSACTION
    for line, value in string_constants(source):
        if match := statement.search(value):
            yield source.at(line, f"{match[0]}: only {', '.join(WRITERS)} begin and commit")


def mode_literals(source: Source) -> Iterator[str]:
    if source.path == VOCABULARY:
        return
    for line, value in string_constants(source):
        if match := MODES.search(value):
            yield source.at(line, f"{match[0]!r}: take it from flagctl.vocabulary")


def mode_words(source: Source) -> Iterator[str]:
    for number, line in enumerate(source.text.splitlines(), start=1):
        if match := MODES.search(line):
            yield source.at(number, f"{match[0]!r}: the page gets its words from the vocabulary")


def test_only_the_settings_read_the_environment() -> None:
    found = [each for source in sources("flagctl") for each in environment_reads(source)]
    assert not found, "\n".join(found)


def test_only_the_writers_begin_and_commit() -> None:
    found = [each for source in sources("flagctl") for each in transactions(source)]
    assert not found, "\n".join(found)


def test_no_module_but_the_vocabulary_spells_a_mode() -> None:
    found = [each for source in sources("flagctl") for each in mode_literals(source)]
    assert not found, "\n".join(found)


def test_no_template_spells_a_mode() -> None:
    found = [each for source in sources("templates", suffix="") for each in mode_words(source)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "text",
    [
        "import os\nx = os.environ['A']",
        "import os\nrun(env={**os.environ})",
        "import os\ndef f():\n    return os.getenv('A')",
        "from os import environ",
    ],
)
def test_a_read_of_the_environment_is_found_anywhere_else(text: str) -> None:
    assert list(environment_reads(Source("flagctl/web/app.py", text)))
    assert not list(environment_reads(Source(SETTINGS, text)))


WRITES = [
    "session.commit()",
    "self.session.commit()",
    "with engine.begin() as connection: pass",
    "connection.execute('BEGIN IMMEDIATE')",
]


@pytest.mark.parametrize("text", WRITES)
def test_a_write_is_found_anywhere_but_in_the_writers(text: str) -> None:
    assert list(transactions(Source("flagctl/web/actions.py", text)))
    assert list(transactions(Source("flagctl/store/reading.py", text)))
    assert not list(transactions(Source("flagctl/store/transaction.py", text)))


@pytest.mark.parametrize("text", ["connection.execute('BEGIN')", "connection.execute('COMMIT')"])
def test_reads_are_held_together_in_the_readers_only(text: str) -> None:
    assert list(transactions(Source("flagctl/web/pages.py", text)))
    assert not list(transactions(Source("flagctl/store/reading.py", text)))


@pytest.mark.parametrize(
    "text", ["x = 'stub-policy'", "x = f'pin {name} to real-policy'", "f(mode='passthrough')"]
)
def test_a_spelled_mode_is_found_anywhere_but_in_the_vocabulary(text: str) -> None:
    assert list(mode_literals(Source("flagctl/cli/status.py", text)))
    assert not list(mode_literals(Source(VOCABULARY, text)))


def test_a_docstring_may_name_a_mode() -> None:
    text = '"""real-policy."""\nX = 1\n"""Not stub-policy."""\ndef f():\n    """To passthrough."""'
    assert not list(mode_literals(Source("flagctl/domain/effective.py", text)))


def test_a_mode_in_a_template_is_found() -> None:
    assert list(mode_words(Source("templates/home.html", "<p>\nReal: real-policy</p>")))
    assert not list(mode_words(Source("templates/home.html", "{{ mode.label }} is real policy")))
