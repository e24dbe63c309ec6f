import pytest

from tests.guards.rooms import HOMES, MAY_IMPORT, import_violations, imports, room_of
from tests.guards.tree import Source, sources


def test_no_module_imports_what_its_room_may_not_know() -> None:
    found = [each for source in sources("flagctl") for each in import_violations(source)]
    assert not found, "\n".join(found)


def test_every_name_in_the_table_is_a_room_of_the_table() -> None:
    named = {name.split(".")[0] for row in (*MAY_IMPORT.values(), *HOMES.values()) for name in row}
    assert named - {"*"} <= set(MAY_IMPORT)


GOOD = {
    "a room imports itself": ("flagctl/store/writing.py", "from flagctl.store import engine"),
    "words are free": ("flagctl/web/pages.py", "from flagctl.vocabulary import Mode"),
    "a sibling, relatively": ("flagctl/domain/flag.py", "from . import fields"),
    "one module of a room": (
        "flagctl/adapter/resolve.py",
        "from flagctl.store.mode_reader import ModeReader",
    ),
    "one module of a room, by name": (
        "flagctl/adapter/resolve.py",
        "from flagctl.store import mode_reader",
    ),
    "the composition root knows all": (
        "flagctl/wiring/__init__.py",
        "import flagctl.web.app, fastapi",
    ),
    "the version": ("flagctl/web/pages.py", "from flagctl import __version__"),
    "the command line late": ("flagctl/cli/up.py", "def up():\n    from flagctl import wiring"),
    "pyslurm in the child": ("flagctl/slurm/child.py", "import json, pyslurm"),
    "the command line's other name": ("flagctl/__main__.py", "from flagctl.cli import main"),
}


@pytest.mark.parametrize(("path", "text"), GOOD.values(), ids=GOOD.keys())
def test_an_import_that_the_table_allows_passes(path: str, text: str) -> None:
    assert import_violations(Source(path, text)) == []


BAD = {
    "domain reads the store": ("flagctl/domain/flag.py", "from flagctl.store import engine"),
    "domain leaves the standard library": ("flagctl/domain/flag.py", "import pydantic"),
    "domain goes up relatively": ("flagctl/domain/flag.py", "from ..store import engine"),
    "the adapter writes": ("flagctl/adapter/resolve.py", "import flagctl.store.writing"),
    "the adapter takes the whole store": ("flagctl/adapter/resolve.py", "import flagctl.store"),
    "the web dispatches": ("flagctl/web/pages.py", "from flagctl import dispatch"),
    "the web speaks SQL": ("flagctl/web/pages.py", "def page():\n    import sqlalchemy.orm"),
    "the runtime knows the admin": ("flagctl/runtime/app.py", "from flagctl.web import app"),
    "the store knows HTTP": ("flagctl/store/reading.py", "from starlette import status"),
    "the command line knows FastAPI": ("flagctl/cli/web.py", "import fastapi"),
    "wiring at the top of a command": ("flagctl/cli/up.py", "from flagctl import wiring"),
    "pyslurm in the service": ("flagctl/slurm/client.py", "import pyslurm"),
    "the child needs the package": ("flagctl/slurm/child.py", "from flagctl import errors"),
    "the child needs another package": ("flagctl/slurm/child.py", "import structlog"),
    "the package loads a room": ("flagctl/__init__.py", "from flagctl import vocabulary"),
    "a room nobody planned": ("flagctl/extras/thing.py", ""),
}


@pytest.mark.parametrize(("path", "text"), BAD.values(), ids=BAD.keys())
def test_an_import_that_the_table_forbids_is_found(path: str, text: str) -> None:
    assert len(import_violations(Source(path, text))) == 1


def test_imports_inside_functions_are_seen() -> None:
    source = Source("flagctl/cli/up.py", "def up():\n    from flagctl.store import reading, engine")
    assert [each.target for each in imports(source)] == [
        "flagctl.store.reading",
        "flagctl.store.engine",
    ]
    assert room_of(source) == "cli"
