"""What a user installs: the wheel, in an environment of its own, run from elsewhere."""

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from hatch_build import DATA
from tests.guards.tree import ROOT

PRESENT = [name for name in DATA if (ROOT / name).exists()]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(target)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (built,) = target.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a new environment that has the wheel and borrows its dependencies.

    The borrowed folder holds a pointer to this source tree, but Python follows such pointers
    in its own site-packages only: `flagctl` is the wheel's there.
    """
    place = tmp_path_factory.mktemp("installed")
    venv.create(place, with_pip=True, symlinks=True)
    python = place / "bin" / "python"
    install = [
        str(python),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        str(wheel),
    ]
    subprocess.run(install, check=True, capture_output=True)
    (packages,) = place.glob("lib/python*/site-packages")
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib"))
    return python


def ask(python: Path, code: str, cwd: Path) -> str:
    """What `code` prints in a Python that knows nothing of this tree."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [python, "-c", code], cwd=cwd, env=clean, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def test_the_installed_package_is_the_wheel_and_not_the_tree(
    installed: Path, tmp_path: Path
) -> None:
    where = ask(installed, "import flagctl; print(flagctl.__file__)", tmp_path)
    assert Path(where).is_relative_to(installed.parents[1])


def test_an_installed_wheel_finds_the_data_it_carries(installed: Path, tmp_path: Path) -> None:
    code = (
        f"from flagctl.paths import data_path\nfor name in {PRESENT!r}:\n    print(data_path(name))"
    )
    found = ask(installed, code, tmp_path).splitlines()
    data = next(installed.parents[1].glob("lib/python*/site-packages")) / "flagctl" / "_data"
    assert [Path(each) for each in found] == [data / name for name in PRESENT]


def test_missing_data_is_said_plainly(installed: Path, tmp_path: Path) -> None:
    code = (
        "from flagctl.paths import data_path\n"
        "try:\n    data_path('nothing')\n"
        "except FileNotFoundError as error:\n    print(error)"
    )
    assert "nothing is missing" in ask(installed, code, tmp_path)


def test_the_wheel_carries_every_file_of_the_data_folders(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        carried = set(archive.namelist())
    files = [path for name in PRESENT for path in (ROOT / name, *(ROOT / name).rglob("*"))]
    wanted = {
        f"flagctl/_data/{path.relative_to(ROOT)}"
        for path in files
        if path.is_file() and path.suffix != ".pyc"
    }
    assert wanted <= carried
    assert not [name for name in carried if "__pycache__" in name]


def test_the_tree_has_no_copy_of_the_data_inside_the_package() -> None:
    assert not (ROOT / "flagctl" / "_data").exists()


def test_the_extra_for_slurm_names_pyslurm_and_nothing_else_does(
    installed: Path, tmp_path: Path
) -> None:
    code = "from importlib.metadata import requires\nprint(*requires('flagctl'), sep='\\n')"
    wanted = [each for each in ask(installed, code, tmp_path).splitlines() if "pyslurm" in each]
    (only,) = wanted
    assert only.partition("; ")[2] in ("extra == 'slurm'", 'extra == "slurm"')


def test_no_lock_builds_pyslurm() -> None:
    locks = list(ROOT.glob("requirements*.lock"))
    assert locks
    assert not [each.name for each in locks if "pyslurm" in each.read_text(encoding="utf-8")]
