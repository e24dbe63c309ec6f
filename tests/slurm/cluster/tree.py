"""Builds the root tree of the test cluster once: Debian's Slurm, and a pyslurm made for it.

The Debian mirror is the one that this machine's own apt uses. Everything is kept below one cache
directory, under a name made from the recipe, so that a changed recipe builds anew.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import IO, Final

from tests.slurm.cluster import recipe
from tests.slurm.cluster.recipe import GROUP, PACKAGES, PYSLURM_CFLAGS, SUITE, USERS

HERE: Final = Path(__file__).resolve().parent
PYSLURM_PIN: Final = HERE / "pyslurm.txt"
CHECKOUT: Final = HERE.parents[2]
DEFAULT_CACHE: Final = CHECKOUT / ".cache" / "slurm"

SHOWN_PACKAGES: Final = ("slurmctld", "mariadb-server", "munge", "python3")
OUTPUT_TAIL_CHARS: Final = 3000
BUILD_JOBS: Final = os.cpu_count() or 1


class ClusterError(Exception):
    """The cluster can't be built or started; the message says why."""


def build(cache: Path) -> Path:
    """Return the finished tree in `cache`, building it when there is none of this recipe.

    Raises:
        ClusterError: it can't be built; the message has the end of what the failed step printed.

    """
    if os.geteuid() != 0:
        raise ClusterError("The test cluster needs root: it makes a root tree and namespaces.")
    tree = cache.resolve() / f"tree-{_recipe()}"
    cache.mkdir(parents=True, exist_ok=True)
    with _only_builder(cache):
        if not tree.exists():
            _build_at(tree)
            _forget_others(tree)
    return tree


def cache_in_use() -> Path:
    """Return where trees are kept: `SLURM_TEST_CACHE`, else a folder of the checkout."""
    return Path(os.environ.get("SLURM_TEST_CACHE") or DEFAULT_CACHE)


def versions(tree: Path) -> dict[str, str]:
    """Return what the tree holds: package or `pyslurm` and its version."""
    found: dict[str, str] = json.loads((tree / "versions.json").read_text(encoding="utf-8"))
    return found


@contextmanager
def kept(tree: Path) -> Iterator[IO[str]]:
    """Hold the tree by the open file: while this lasts, no later build removes it."""
    with tree.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield lock


def _recipe() -> str:
    parts = (Path(recipe.__file__).read_bytes(), PYSLURM_PIN.read_bytes())
    return sha256(b"\0".join(parts)).hexdigest()[:12]


@contextmanager
def _only_builder(cache: Path) -> Iterator[None]:
    with (cache / "build.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build_at(tree: Path) -> None:
    _require_tools("mmdebstrap", "unshare", "nsenter", "apt-get")
    partial = tree.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    _say(f"building the root tree from {SUITE} (about two minutes, once)")
    with (
        tempfile.TemporaryDirectory(dir=tree.parent) as folder,
        ThreadPoolExecutor(max_workers=1) as beside,
    ):
        archive = beside.submit(_downloaded_pyslurm, Path(folder))
        _install_packages(partial)
        _prepare_users_and_database(partial)
        _install_pyslurm(partial, archive.result())
    (partial / "versions.json").write_text(json.dumps(_found_versions(partial)), encoding="utf-8")
    partial.rename(tree)


def _forget_others(tree: Path) -> None:
    """Remove the trees of earlier recipes that no running cluster holds."""
    for other in tree.parent.glob("tree-*"):
        if other.suffix or other == tree:
            continue
        with other.with_suffix(".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            shutil.rmtree(other)


def _require_tools(*names: str) -> None:
    missing = [name for name in names if shutil.which(name) is None]
    if missing:
        _run("tools", ["bash", str(CHECKOUT / ".ci" / "apt-install"), *missing])


def _mirror() -> str:
    """Return the address from which this machine's apt takes its main archive."""
    listing = _run(
        "mirror",
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE)", "Created-By: Packages"],
    )
    for line in listing.splitlines():
        address, _, release = line.partition(" ")
        if not release.endswith("-security") and "security" not in address.rsplit("/", 2)[-2:]:
            return address
    raise ClusterError(
        "This machine's apt names no Debian archive, and nothing else says where Slurm may be "
        "taken from. Add one to its apt sources, then try again."
    )


_LEAN: Final = (
    "--dpkgopt=force-unsafe-io",
    *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("doc", "man", "locale", "info")),
)
"""Nobody reads in there, and a tree that a power cut breaks is built again."""


def _install_packages(root: Path) -> None:
    unchecked = [f'--aptopt=Acquire::Check-{what} "false"' for what in ("Valid-Until", "Date")]
    _run(
        "packages",
        [
            *("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"),
            *("mmdebstrap", "--mode=root", "--variant=minbase", "--quiet", *unchecked, *_LEAN),
            *(f"--include={','.join(PACKAGES)}", SUITE, str(root), _mirror()),
        ],
    )


def _prepare_users_and_database(root: Path) -> None:
    for number, name in enumerate(USERS, start=2000):
        _run_in(root, f"useradd --create-home --uid {number} {name}")
    # An empty group would let everybody into a partition that allows it.
    _run_in(root, f"groupadd --users {USERS[-1]} {GROUP}")
    _run_in(
        root,
        "mariadb-install-db --no-defaults --user=mysql --datadir=/var/lib/mysql"
        " --innodb-log-file-size=8M --auth-root-authentication-method=socket",
    )


def _install_pyslurm(root: Path, archive: Path) -> None:
    source = _unpacked_pyslurm(root, archive)
    slurm = _package_version(root, "libslurm-dev")
    year, month = (int(part) for part in slurm.split(".")[:2])
    version_file = source / "pyslurm" / "version.py"
    text = version_file.read_text(encoding="utf-8")
    # It builds for the Slurm that its own version names, and refuses any other.
    text = re.sub(r'__version__ = "[^"]*"', f'__version__ = "{year}.{month}.0"', text)
    version_file.write_text(text, encoding="utf-8")
    _run_in(root, "python3 -m venv --system-site-packages /venv")
    _run_in(
        root,
        f"cd /{source.relative_to(root)} && PYSLURM_BUILD_JOBS={BUILD_JOBS}"
        " SLURM_LIB_DIR=$(dirname $(find /usr/lib -name libslurmfull.so))"
        f" CFLAGS='{PYSLURM_CFLAGS}'"
        " /venv/bin/python -m pip install --no-index --no-build-isolation --no-deps .",
    )
    shutil.rmtree(source.parent)


def _downloaded_pyslurm(folder: Path) -> Path:
    """Fetch pyslurm's pinned source by pip as this machine has it set up."""
    pip = [str(CHECKOUT / ".tools" / "bin" / "python"), "-m", "pip", "download", "--quiet"]
    options = ["--no-deps", "--no-binary=pyslurm", "--require-hashes", "--dest", str(folder)]
    _run("pyslurm", [*pip, *options, "-r", str(PYSLURM_PIN)])
    (archive,) = folder.glob("*.tar.gz")
    return archive


def _unpacked_pyslurm(root: Path, archive: Path) -> Path:
    """Unpack the source, and have it compiled by as many compilers as there are processors."""
    folder = root / "usr" / "src" / "pyslurm"
    shutil.unpack_archive(archive, folder, filter="data")
    source = next(path for path in folder.iterdir() if path.is_dir())
    with (source / "setup.cfg").open("a", encoding="utf-8") as settings:
        settings.write(f"\n[build_ext]\nparallel = {BUILD_JOBS}\n")
    return source


def _found_versions(root: Path) -> dict[str, str]:
    found = {name: _package_version(root, name) for name in SHOWN_PACKAGES}
    found["pyslurm"] = _run_in(
        root, "/venv/bin/python -m pip list --format=freeze | sed -n s/^pyslurm==//p"
    ).strip()
    return found


def _package_version(root: Path, package: str) -> str:
    shown = _run_in(root, f"dpkg-query --show --showformat='${{Version}}' {package}")
    return shown.partition(":")[2] or shown


def _run_in(root: Path, shell: str) -> str:
    namespace = ["unshare", "--mount", "--pid", "--fork", "--kill-child", f"--root={root}"]
    script = f"set -e; mount -t proc proc /proc; {shell}"
    return _run(shell.split(maxsplit=1)[0], [*namespace, "/bin/sh", "-c", script])


def _run(step: str, argv: Sequence[str]) -> str:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(argv, capture_output=True, text=True, env=environment, check=False)
    if done.returncode != 0:
        said = (done.stdout + done.stderr).strip()[-OUTPUT_TAIL_CHARS:]
        raise ClusterError(f"The test cluster can't be built: {step} failed:\n{said}")
    return done.stdout


def _say(message: str) -> None:
    sys.stderr.write(f"slurm test cluster: {message}\n")
