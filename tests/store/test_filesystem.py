"""The data directory lies on a local file system; another one is refused with the reason."""

from pathlib import Path

import pytest

from flagctl.errors import MisconfiguredError, UnavailableError
from flagctl.store.filesystem import filesystem_type, prepare_directory, refuse_network_filesystem

MOUNTS = """\
/dev/vda / ext4 rw 0 0
server:/export /export nfs4 rw 0 0
/dev/vdb /export/local xfs rw 0 0
me@host:/ /net/with\\040blank fuse.sshfs rw 0 0
server:/a /var/over nfs rw 0 0
/dev/vdc /var/over ext4 rw 0 0
"""


@pytest.fixture
def mounts(tmp_path: Path) -> Path:
    path = tmp_path / "mounts"
    path.write_text(MOUNTS)
    return path


@pytest.mark.parametrize(
    ("directory", "kind"),
    [
        ("/srv/flagctl", "ext4"),
        ("/export/anna/var", "nfs4"),
        ("/export/local/var", "xfs"),
        ("/net/with blank/var", "fuse.sshfs"),
        ("/exported", "ext4"),
        ("/var/over", "ext4"),
    ],
)
def test_the_file_system_of_a_directory_is_that_of_the_nearest_mount(
    mounts: Path, directory: str, kind: str
) -> None:
    assert filesystem_type(Path(directory), mounts) == kind


@pytest.mark.parametrize("directory", ["/export/anna/var", "/net/with blank"])
def test_a_network_file_system_is_refused_with_the_reason(mounts: Path, directory: str) -> None:
    with pytest.raises(MisconfiguredError, match="WAL needs shared memory"):
        refuse_network_filesystem(Path(directory), mounts)


def test_a_local_file_system_and_one_that_nobody_knows_are_taken(mounts: Path) -> None:
    refuse_network_filesystem(Path("/srv/flagctl"), mounts)
    refuse_network_filesystem(Path("/srv/flagctl"), mounts.with_name("none"))


def test_a_data_directory_that_is_a_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.touch()
    with pytest.raises(MisconfiguredError, match="is not a directory"):
        prepare_directory(path)
    with pytest.raises(UnavailableError, match="can't be made: Not a directory"):
        prepare_directory(path / "below")
