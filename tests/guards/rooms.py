"""The rooms of the house: who may import whom. The table is the rule; read it first."""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from tests.guards.tree import Source

# Every room may import these: words, and the few ways to fail.
SHARED = ("vocabulary", "errors")

# A room and what it may import besides SHARED and itself. A dotted name opens one module only.
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "vocabulary": (),
    "errors": (),
    "paths": (),
    "logs": (),
    "ending": (),
    "setting_values": (),
    "settings": ("domain.fields", "setting_values"),
    "domain": (),
    "store": ("domain", "settings", "paths"),
    "slurm": ("domain", "settings", "ending"),
    "adapter": (
        "domain",
        "settings",
        "store.files",
        "store.mode_reader",
        "slurm.connection",
        # A service that has the adapter built in says of itself that it follows (decision 14).
        "watch",
    ),
    "dispatch": ("domain", "settings", "slurm.client", "slurm.trouble"),
    "runtime": (
        "adapter",
        "dispatch",
        "domain",
        "settings",
        "store.mode_reader",
        "store.runtime_db",
        "store.job_ledger",
        "store.submissions",
    ),
    "reminders": ("domain", "store", "settings", "present"),
    "watch": ("domain", "store", "settings", "ending"),
    "present": ("domain",),
    "web": ("domain", "store", "present", "settings", "paths"),
    "cli": (
        "store",
        "present",
        "domain",
        "settings",
        "wiring",
        # `flagctl up` puts the sample policy into the data directory.
        "adapter.sample_policy",
        # `flagctl doctor` reads the policy as the adapter does.
        "adapter.policy_file",
        # ... and the batch script as the dispatcher does.
        "dispatch.batch",
    ),
    "wiring": ("*",),
}

# One file with a rule of its own: it runs in another Python, where this package is not installed.
ALONE = "slurm.child"

# Rooms that get along with the standard library.
STDLIB_ONLY = ("vocabulary", "errors", "paths", "setting_values", "settings", "domain", "present")

# A third-party package and the only places that may import it.
HOMES: dict[str, tuple[str, ...]] = {
    "fastapi": ("runtime", "web", "wiring"),
    "starlette": ("runtime", "web", "wiring"),
    "typer": ("cli",),
    "sqlmodel": ("store",),
    "sqlalchemy": ("store",),
    "alembic": ("store",),
    "apprise": ("reminders.post",),
    "pyslurm": (ALONE,),
}

# Importing these at the top of a module would load the whole house to print `--help`.
ONLY_INSIDE_FUNCTIONS = {"cli": ("wiring",)}


@dataclass(frozen=True)
class Import:
    """One imported name, with its dots, and where it stands."""

    line: int
    target: str
    at_top: bool


def module_name(source: Source) -> str:
    """`flagctl/store/writing.py` is `store.writing`; the package itself is the empty name."""
    parts = source.path.removesuffix(".py").split("/")[1:]
    return ".".join(part for part in parts if part not in ("__init__", "__main__"))


def room_of(source: Source) -> str:
    # `python -m flagctl` is the command line under another name.
    return "cli" if source.path == "flagctl/__main__.py" else module_name(source).split(".")[0]


def imports(source: Source) -> Iterator[Import]:
    """Every import of the module, also those inside functions; relative ones made absolute."""
    top = {id(node) for node in source.syntax.body}
    for node in ast.walk(source.syntax):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(node.lineno, alias.name, id(node) in top)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(source, node)
            for alias in node.names:
                yield Import(node.lineno, f"{base}.{alias.name}", id(node) in top)


def _absolute(source: Source, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    folder = source.path.split("/")[:-1]
    above = folder[: len(folder) - node.level + 1]
    return ".".join([*above, *([node.module] if node.module else [])])


def import_violations(source: Source) -> list[str]:
    """What this module imports against the tables above."""
    room = room_of(source)
    if room and room not in MAY_IMPORT:
        return [source.at(1, f"{room} is no room: add it to the table in {__name__}")]
    found = []
    for each in imports(source):
        package, _, target = each.target.partition(".")
        if package == "flagctl":
            complaint = _complain_of_room(source, room, target, at_top=each.at_top)
        else:
            complaint = _complain_of_package(source, room, package)
        if complaint:
            found.append(source.at(each.line, complaint))
    return found


def _complain_of_room(source: Source, room: str, target: str, *, at_top: bool) -> str | None:
    if module_name(source) == ALONE:
        return f"{ALONE} may import pyslurm and the standard library only"
    if target in ("", "__version__"):
        return None
    if at_top and _inside(target, ONLY_INSIDE_FUNCTIONS.get(room, ())):
        return f"{room} may import {target} inside a function only"
    if not room:
        return f"importing the package must stay free: not {target}"
    allowed = MAY_IMPORT[room]
    if "*" in allowed or _inside(target, (room, *SHARED, *allowed)):
        return None
    return f"{room} may not import {target}"


def _complain_of_package(source: Source, room: str, package: str) -> str | None:
    if package in sys.stdlib_module_names:
        return None
    here = module_name(source)
    if room in STDLIB_ONLY or not room:
        return f"{room or 'the package itself'} may import the standard library only, not {package}"
    if here == ALONE and package != "pyslurm":
        return f"{ALONE} may import pyslurm and the standard library only, not {package}"
    homes = HOMES.get(package)
    if homes is not None and not _inside(here, homes):
        return f"{package} may be imported in {', '.join(homes)} only"
    return None


def _inside(target: str, places: tuple[str, ...]) -> bool:
    return any(target == place or target.startswith(f"{place}.") for place in places)
