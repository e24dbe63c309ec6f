"""What must not travel in the repository: hosts, machine paths, unwanted dependencies."""

import re
import tomllib
from collections.abc import Iterator

import pytest

from tests.guards.tree import ROOT, Source, sources

UNWANTED = {"redis", "rq", "celery"}
LOCKS = ("requirements.lock", "requirements-test.lock")

# Written as patterns: the names themselves must not stand in any file, so not in this one.
REGISTRY = re.compile(
    r"\b(?:(?:pypi|pythonhosted|anaconda)\.org"
    r"|(?:npmjs|yarnpkg|unpkg|jsdelivr|cloudflare)\.(?:org|com|net)"
    r"|(?:crates|ghcr|quay)\.io|rubygems\.org|docker\.(?:io|com)|golang\.org"
    r"|(?:deb|security|snapshot)\.debian\.org|(?:archive|security)\.ubuntu\.com)\b"
)
MACHINE_PATH = re.compile(r"(?<![\w.:/*~})-])/(?:work|tmp|home|root|Users|build|mnt)/\w")


def distribution(requirement: str) -> str:
    """`Foo_Bar[x]>=1 ; marker` is `foo-bar`."""
    name = re.match(r"[A-Za-z0-9._-]*", requirement.strip())
    return re.sub(r"[-_.]+", "-", name[0]).lower() if name else ""


def declared(pyproject: str) -> set[str]:
    """The distributions that the project and its extras ask for."""
    project = tomllib.loads(pyproject)["project"]
    extras = project.get("optional-dependencies", {}).values()
    return {distribution(each) for row in (project["dependencies"], *extras) for each in row}


def locked(lock: str) -> set[str]:
    """The distributions that a lock pins: its lines that are neither hashes nor comments."""
    return {distribution(line) for line in lock.splitlines() if re.match(r"\w", line)}


def matches(source: Source, pattern: re.Pattern[str], complaint: str) -> Iterator[str]:
    for number, line in enumerate(source.text.splitlines(), start=1):
        if match := pattern.search(line):
            yield source.at(number, f"{match[0]!r}: {complaint}")


def test_no_queue_broker_is_asked_for() -> None:
    assert not declared((ROOT / "pyproject.toml").read_text()) & UNWANTED


@pytest.mark.parametrize("name", LOCKS)
def test_no_queue_broker_is_locked(name: str) -> None:
    names = locked((ROOT / name).read_text())
    assert "fastapi" in names
    assert not names & UNWANTED


def test_no_file_names_a_package_registry() -> None:
    complaint = "registries are reached as the machine has them set up"
    found = [each for file in sources(suffix="") for each in matches(file, REGISTRY, complaint)]
    assert not found, "\n".join(found)


def test_no_file_names_a_path_of_one_machine() -> None:
    complaint = "this path exists on one machine only"
    found = [each for file in sources(suffix="") for each in matches(file, MACHINE_PATH, complaint)]
    assert not found, "\n".join(found)


def test_a_lock_names_no_host_at_all() -> None:
    for name in LOCKS:
        assert "://" not in (ROOT / name).read_text()


def test_a_queue_broker_is_found() -> None:
    pyproject = (
        '[project]\ndependencies = ["Redis>=5"]\n[project.optional-dependencies]\nx = ["rq"]'
    )
    assert declared(pyproject) & UNWANTED == {"redis", "rq"}
    assert locked("celery==5.0 \\\n    --hash=sha256:00\n    # via x\n") == {"celery"}


@pytest.mark.parametrize(
    "parts",
    [("files.pythonhosted", "org"), ("pypi", "org"), ("registry.npmjs", "org"), ("unpkg", "com")],
)
def test_a_registry_is_found(parts: tuple[str, str]) -> None:
    line = f"see https://{'.'.join(parts)}/simple"
    assert list(matches(Source("docs/a.md", line), REGISTRY, ""))


@pytest.mark.parametrize("folder", ["tmp", "home", "work", "Users"])
def test_a_path_of_one_machine_is_found(folder: str) -> None:
    line = f"open('/{folder}/somebody/x')"
    assert list(matches(Source("docs/a.md", line), MACHINE_PATH, ""))


@pytest.mark.parametrize(
    "line", ["GET /api/home/x", "https://a.example/home/x", "../work/x", "a/tmp/b"]
)
def test_an_address_or_a_relative_path_is_no_machine_path(line: str) -> None:
    assert not list(matches(Source("docs/a.md", line), MACHINE_PATH, ""))
